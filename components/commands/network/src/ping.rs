//! `ping`: whether a machine is there, and how far away it is.

use alloc::format;
use alloc::string::String;

use ftl::prelude::*;
use ftl::time::sleep;

use crate::exchange::find;
use crate::spec::*;

pub const PING: &str = "\
ping asks whether a machine is there, and how far away it is
usage: ping [-c N] HOST

  -c N, --count N  asks N times, a second apart; 4 times if nothing is said

HOST is an address or a name. The status is 0 if there was any answer.
";

const COUNT_MAX: u32 = 100_000;

pub fn ping(mut env: Environ) -> Result<usize> {
    let (host, count) = match read(&env.arguments) {
        Ok(read) => read,
        Err(reason) => {
            eprintln!("ping: {reason}; `ping --help` says more");
            return Ok(2);
        }
    };
    let to = match find(&mut env.tcpip, host) {
        Ok(to) => to,
        Err(reason) => {
            eprintln!("ping: {reason}");
            return Ok(1);
        }
    };
    let mut times = Times::default();
    for number in 1..=count {
        match env.tcpip.ping(to.to_bits()) {
            Ok(took_ns) => {
                times.add(took_ns);
                println!("{number}: {to} answers after {}", shown(took_ns));
            }
            Err(error) => println!("{number}: {to}: {error}"),
        }
        if number < count {
            sleep(Duration::from_secs(1));
        }
    }
    println!("{}", times.summary(count));
    Ok(usize::from(times.count == 0))
}

/// The host, and how often.
fn read(arguments: &[String]) -> core::result::Result<(&str, u32), String> {
    let (mut host, mut count) = (None, 4);
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "-c" | "--count" => {
                let number = rest.next().and_then(|number| number.parse().ok());
                let number = number.filter(|number| (1..=COUNT_MAX).contains(number));
                count =
                    number.ok_or(format!("`{argument}` needs a number from 1 to {COUNT_MAX}"))?;
            }
            option if option.starts_with('-') => {
                return Err(format!("there is no option `{option}`"));
            }
            name if host.is_none() => host = Some(name),
            other => return Err(format!("one host is enough: what is `{other}`?")),
        }
    }
    Ok((host.ok_or("which host?")?, count))
}

#[derive(Default)]
struct Times {
    count: u32,
    least: u64,
    most: u64,
    sum: u64,
}

impl Times {
    fn add(&mut self, ns: u64) {
        self.least = if self.count == 0 {
            ns
        } else {
            self.least.min(ns)
        };
        self.most = self.most.max(ns);
        self.sum += ns;
        self.count += 1;
    }

    fn summary(&self, asked: u32) -> String {
        let answers = format!("{} of {asked} answered", self.count);
        match self.sum.checked_div(self.count.into()) {
            None => answers,
            Some(mean) => format!(
                "{answers}; least {}, mean {}, most {}",
                shown(self.least),
                shown(mean),
                shown(self.most)
            ),
        }
    }
}

/// Milliseconds with three digits.
fn shown(ns: u64) -> String {
    let us = ns / 1000;
    format!("{}.{:03} ms", us / 1000, us % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: core::result::Result<(&str, u32), &str>) {
        let words: alloc::vec::Vec<String> = words.iter().map(|word| (*word).into()).collect();
        let found = read(&words);
        assert_eq!(
            found.as_ref().map_err(String::as_str),
            expected.as_ref().map_err(|e| *e)
        );
    }

    #[test]
    fn arguments_are_read() {
        check(&["here"], Ok(("here", 4)));
        check(&["-c", "2", "here"], Ok(("here", 2)));
        check(&["here", "--count", "1"], Ok(("here", 1)));
        check(&[], Err("which host?"));
        check(
            &["-c", "0", "a"],
            Err("`-c` needs a number from 1 to 100000"),
        );
        check(&["-f", "a"], Err("there is no option `-f`"));
        check(&["a", "b"], Err("one host is enough: what is `b`?"));
    }

    #[test]
    fn times_are_summed_up() {
        let mut times = Times::default();
        assert_eq!(times.summary(2), "0 of 2 answered");
        times.add(1_500_000);
        times.add(500_000);
        let text = "2 of 3 answered; least 0.500 ms, mean 1.000 ms, most 1.500 ms";
        assert_eq!(times.summary(3), text);
    }
}
