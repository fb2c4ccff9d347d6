//! `kill`, `restart`, `poweroff` and `reboot`.

use ftl::prelude::*;

use crate::known::components;
use crate::misused;
use crate::spec::*;

pub const KILL: &str = "\
ends components at once
usage: kill COMPONENT…
       kill %JOB…        ends jobs of the shell

What has `restart: always` in its file is started again.
";

pub fn kill(env: &mut Environ) -> Result<usize> {
    each(env, "killed", |env, name| env.system.kill(name))
}

pub const RESTART: &str = "\
starts components again, even those that ended or were given up
usage: restart COMPONENT…
";

pub fn restart(env: &mut Environ) -> Result<usize> {
    each(env, "restarted", |env, name| env.system.restart(name))
}

fn each(env: &mut Environ, done: &str, act: fn(&mut Environ, &str) -> Result<()>) -> Result<usize> {
    if env.arguments.is_empty() {
        return misused(env, "which component?");
    }
    if env.arguments.iter().any(|name| name.starts_with('-')) {
        return misused(env, "there is no such option");
    }
    let mut status = 0;
    for name in env.arguments.clone() {
        match act(env, &name) {
            Ok(()) => println!("{name} {done}"),
            Err(Error::NotFound) => {
                status = 1;
                let known = components(env)?
                    .iter()
                    .any(|component| component.name == name);
                match known {
                    true => eprintln!("{}: {name} does not run; `why {name}` says why", env.name),
                    false => eprintln!(
                        "{}: there is no component `{name}`; `ps` lists them",
                        env.name
                    ),
                }
            }
            Err(error) => {
                status = 1;
                eprintln!("{}: {name}: {error}", env.name);
            }
        }
    }
    Ok(status)
}

pub const POWEROFF: &str = "\
shuts the machine down
usage: poweroff [STATUS]

`./ftl run` ends with the status; 0 if none is given.
";

pub fn poweroff(env: &mut Environ) -> Result<usize> {
    let status = match env.arguments.as_slice() {
        [] => 0,
        [status] => match status.parse::<u8>() {
            Ok(status) => status,
            Err(_) => return misused(env, "the status is a number up to 255"),
        },
        _ => return misused(env, "there is more than a status"),
    };
    env.system.shutdown(status.into())?;
    until_ended()
}

pub const REBOOT: &str = "\
ends all components and resets the machine
usage: reboot [--cold]

  --cold  memory may be lost, and the log of this life with it

The machine starts anew if it was started with `./ftl run --reboot`; otherwise that is its end.
";

pub fn reboot(env: &mut Environ) -> Result<usize> {
    let cold = match env.arguments.as_slice() {
        [] => false,
        [option] if option == "--cold" => true,
        [other, ..] => {
            let what = alloc::format!("`{other}` is not expected");
            return misused(env, &what);
        }
    };
    env.system.reboot(cold)?;
    until_ended()
}

/// Nothing that would come next is begun on a machine that goes off.
fn until_ended() -> Result<usize> {
    let mut events = EventLoop::<()>::new()?;
    while !matches!(events.next()?, Event::Shutdown) {}
    Ok(0)
}
