//! Whose place somebody who comes gets when all places are taken.
//!
//! Connections cost whoever opens them nothing, so many of them must not drive out the one that is about to log in. A client
//! says who it is as soon as it is connected, and most of those that only take places do not; so the silent ones go first. Then
//! it goes by address: who has taken the most places gives one up. Only among equals it is the oldest.

use core::net::Ipv4Addr;

/// Somebody who has not logged in.
#[derive(Clone, Copy, Debug)]
pub struct Stranger {
    /// The number of the visitor: the smallest is the oldest.
    pub id: u32,
    /// Where the connection comes from.
    pub address: Ipv4Addr,
    /// Whether nothing has come from there, although it would have been read.
    pub is_silent: bool,
}

/// Who makes room; `None` if there are no strangers.
pub fn who_goes(strangers: &[Stranger]) -> Option<u32> {
    let places = |address| {
        let same = strangers.iter().filter(|other| other.address == address);
        same.count()
    };
    let goes = strangers.iter().max_by_key(|stranger| {
        let age = core::cmp::Reverse(stranger.id);
        (stranger.is_silent, places(stranger.address), age)
    });
    goes.map(|stranger| stranger.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const THERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    fn stranger(id: u32, address: Ipv4Addr, is_silent: bool) -> Stranger {
        Stranger {
            id,
            address,
            is_silent,
        }
    }

    #[test]
    fn nobody_goes_if_all_are_in() {
        assert_eq!(who_goes(&[]), None);
    }

    #[test]
    fn who_says_nothing_goes_before_who_is_about_to_log_in() {
        let crowd = [
            stranger(1, HERE, false),
            stranger(2, HERE, true),
            stranger(3, HERE, true),
        ];
        assert_eq!(who_goes(&crowd), Some(2));
    }

    #[test]
    fn who_takes_most_places_gives_one_up() {
        let crowd = [
            stranger(1, THERE, false),
            stranger(2, HERE, false),
            stranger(3, HERE, false),
        ];
        assert_eq!(who_goes(&crowd), Some(2));
    }

    #[test]
    fn among_equals_the_oldest_goes() {
        let crowd = [stranger(7, HERE, false), stranger(5, THERE, false)];
        assert_eq!(who_goes(&crowd), Some(5));
    }
}
