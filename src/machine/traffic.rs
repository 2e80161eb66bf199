//! What came over a bridge, as the kernel counts it.
//!
//! The counters are in `/proc/PID/net/dev` of a process in the bridge's network namespace. Reading them puts nothing
//! between a container and the network, so the count costs the container no time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::unix::net::UnixStream;

use crate::units::Bytes;

/// What each frame carries besides data: Ethernet (14), IPv4 (20), TCP with its time stamps (32). The kernel counts
/// frames as they are merged at that moment, so without this the same download would differ by some percent.
const HEADERS: u64 = 66;
/// What a port of another container may count without having a part in it: neighbours are looked for on all ports.
const CHATTER: u64 = 4096;

/// Counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrafficReading {
    /// Bytes that the bridge has sent to containers.
    bytes: u64,
    /// In how many frames.
    frames: u64,
    /// Bytes sent through each container's port, on whatever bridge.
    ports: BTreeMap<String, u64>,
}

impl TrafficReading {
    /// The counters of a bridge in the network namespace of a process; `None` where they cannot be read.
    pub(crate) fn take(pid: i32, bridge: &str) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/net/dev")).ok()?, bridge)
    }

    /// Reads `/proc/net/dev`: two lines of heading, then `name: ` with eight figures of what was received and eight of
    /// what was sent, bytes and frames first (proc(5)).
    fn parse(text: &str, bridge: &str) -> Option<Self> {
        let mut found = None;
        let mut ports = BTreeMap::new();
        for line in text.lines().skip(2) {
            let (name, figures) = line.split_once(':')?;
            let sent: Vec<u64> =
                figures.split_whitespace().skip(8).take(2).map_while(|word| word.parse().ok()).collect();
            let [bytes, frames] = sent[..] else { return None };
            let name = name.trim();
            if name == bridge {
                found = Some((bytes, frames));
            } else if name.starts_with("veth") {
                ports.insert(name.to_owned(), bytes);
            }
        }
        found.map(|(bytes, frames)| Self { bytes, frames, ports })
    }

    /// Data between two readings; `None` where it may be another container's.
    pub(crate) fn received(&self, after: &Self) -> Option<Bytes> {
        // A port that is gone is that of a container that ended, of which the engine tells, or what the build before
        // this one left for a moment.
        let disturbed = self
            .ports
            .iter()
            .any(|(port, before)| after.ports.get(port).is_some_and(|after| after.saturating_sub(*before) > CHATTER));
        let frames = after.frames.checked_sub(self.frames)?;
        let bytes = after.bytes.checked_sub(self.bytes)?;
        (!disturbed).then(|| Bytes(bytes.saturating_sub(frames.saturating_mul(HEADERS))))
    }
}

/// The process that listens at a Unix socket, where it is in this PID namespace (`SO_PEERCRED`).
pub(crate) fn listener(socket: &str) -> Option<i32> {
    let stream = UnixStream::connect(socket).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    Some(peer.pid.as_raw_nonzero().get())
}

/// Whether a process is known to have another network namespace than this program.
pub(crate) fn is_in_another_network(pid: i32) -> bool {
    let namespace = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
    let theirs = namespace(&pid.to_string());
    theirs.is_some() && theirs != namespace("self")
}

/// Whether this program's own network namespace has an interface of that name.
pub(crate) fn has_interface(name: &str) -> bool {
    let devices = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    devices.lines().filter_map(|line| line.split_once(':')).any(|(found, _)| found.trim() == name)
}

/// Whether an address is one of this network namespace's own: the kernel lets a program bind no other.
pub(crate) fn has_address(ip: IpAddr) -> bool {
    std::net::UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dev(bridge: (u64, u64), port: u64) -> String {
        format!(
            "Inter-|   Receive                                                |  Transmit\n \
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop\n    \
             lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n\
             docker0:   18293     272    0    0    0     0          0         0  {}     {}    0   29    0     0       0          0\n\
             veth12ab: 1 2 3 4 5 6 7 8 {port} 1 0 0 0 0 0 0\n",
            bridge.0, bridge.1
        )
    }

    #[test]
    fn data_is_what_the_bridge_sent_without_the_headers() {
        // Seen on Docker 20.10: 5,000,000 bytes over HTTP with its header, in frames that the kernel had merged.
        let before = TrafficReading::parse(&dev((28_080, 300), 7), "docker0").unwrap();
        let after = TrafficReading::parse(&dev((5_038_191, 449), 7), "docker0").unwrap();
        assert_eq!(before.received(&after), Some(Bytes(5_000_277)));
        assert_eq!(before.received(&before), Some(Bytes(0)));
    }

    #[test]
    fn another_container_s_traffic_is_nobody_s() {
        let before = TrafficReading::parse(&dev((0, 0), 100), "docker0").unwrap();
        let busy = TrafficReading::parse(&dev((50_000, 10), 100 + CHATTER + 1), "docker0").unwrap();
        assert_eq!(before.received(&busy), None);
        let quiet = TrafficReading::parse(&dev((50_000, 10), 100 + CHATTER), "docker0").unwrap();
        assert_eq!(before.received(&quiet), Some(Bytes(49_340)));
        let mut gone = quiet.clone();
        gone.ports.clear();
        assert_eq!(before.received(&gone), before.received(&quiet), "whoever ended is in the engine's events");
        assert_eq!(quiet.received(&before), None, "counters that go back are another bridge's");
    }

    #[test]
    fn what_is_no_such_file_is_no_reading() {
        assert_eq!(TrafficReading::parse("", "docker0"), None);
        assert_eq!(TrafficReading::parse(&dev((1, 1), 1), "br-other"), None);
        assert_eq!(TrafficReading::parse("a\nb\ndocker0: 1 2 3\n", "docker0"), None);
    }
}
