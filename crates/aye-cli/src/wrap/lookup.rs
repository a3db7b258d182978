//! From a host's name to its addresses. The system's resolver has a time limit of its own, which may be half a minute, so it
//! is asked by a thread of its own, one at a time.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use super::attempt::left;
use super::news::thread;
use super::probe::Host;

type Answer = io::Result<Vec<SocketAddr>>;

/// The questions of one probe.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    under_way: Option<Receiver<Answer>>,
}

impl Lookup {
    /// Literal addresses and localhost take no resolver.
    pub(super) fn addresses(&mut self, host: &Host, until: Instant) -> Answer {
        let literal: Option<IpAddr> = host.name.parse().ok();
        match literal {
            Some(address) => Ok(vec![(address, host.port).into()]),
            None if host.name == "localhost" => {
                Ok(vec![(Ipv4Addr::LOCALHOST, host.port).into(), (Ipv6Addr::LOCALHOST, host.port).into()])
            }
            None => {
                let host = host.clone();
                self.ask(move || Ok((host.name.as_str(), host.port).to_socket_addrs()?.collect()), until)
            }
        }
    }

    /// An answer that is late is the next question's.
    fn ask(&mut self, resolve: impl FnOnce() -> Answer + Send + 'static, until: Instant) -> Answer {
        let answer = self.under_way.take().map_or_else(|| begin(resolve), Ok)?;
        match answer.recv_timeout(left(until)?) {
            Ok(found) => found,
            Err(RecvTimeoutError::Timeout) => {
                self.under_way = Some(answer);
                Err(io::Error::other("the resolver has not answered yet"))
            }
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the resolver failed")),
        }
    }
}

fn begin(resolve: impl FnOnce() -> Answer + Send + 'static) -> io::Result<Receiver<Answer>> {
    let (sender, answer) = channel();
    thread(move || drop(sender.send(resolve())))?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_resolver_that_is_late_is_asked_once_and_its_answer_is_the_next_ones() {
        let mut lookup = Lookup::default();
        let (go, gone) = channel::<()>();
        let late = move || {
            gone.recv().unwrap();
            Ok(vec![(Ipv4Addr::LOCALHOST, 7).into()])
        };
        let error = lookup.ask(late, Instant::now() + Duration::from_millis(1)).unwrap_err();
        assert_eq!(error.to_string(), "the resolver has not answered yet");
        go.send(()).unwrap();
        let unasked = || panic!("it is asked already");
        let found = lookup.ask(unasked, Instant::now() + Duration::from_mins(1)).unwrap();
        assert_eq!(found, [SocketAddr::from((Ipv4Addr::LOCALHOST, 7))]);
    }

    #[test]
    fn addresses_and_localhost_are_known_without_a_resolver() {
        for (name, found) in [("::1", "[::1]:80"), ("10.0.0.1", "10.0.0.1:80"), ("localhost", "127.0.0.1:80")]
        {
            let host = Host { name: name.to_owned(), port: 80 };
            let addresses = Lookup::default().addresses(&host, Instant::now()).unwrap();
            assert_eq!(addresses[0].to_string(), found);
        }
    }
}
