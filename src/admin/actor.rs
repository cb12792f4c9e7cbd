//! Who asks: the kernel tells which process is at the other end of the socket, and of which user.
//!
//! Root, the user that the server runs as, and the members of one group may ask. The system's files of users and groups are read
//! here directly: a static executable has no name service.

use std::path::Path;

use crate::domain::audit;

/// An administrator, as he is named in reviews and in the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(pub String);

/// What the kernel says of a peer.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub user: u32,
    pub group: u32,
    pub process: Option<i32>,
}

/// The numbers that an `/etc/group` gives a group: its own, and the names of its members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub number: u32,
    pub members: Vec<String>,
}

impl Group {
    pub fn named(groups: &str, name: &str) -> Option<Self> {
        let line = groups.lines().find(|line| line.split(':').next() == Some(name) && !name.is_empty())?;
        let mut fields = line.split(':').skip(2);
        let number = fields.next()?.parse().ok()?;
        let members = fields.next().unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        Some(Self { number, members: members.map(str::to_owned).collect() })
    }

    pub fn of_system(name: &str) -> Option<Self> {
        Self::named(&std::fs::read_to_string("/etc/group").ok()?, name)
    }
}

/// Whether `peer`, whose user is called so, may ask a server that runs as `own`.
pub fn admits(peer: Peer, name: Option<&str>, own: u32, group: Option<&Group>) -> bool {
    let in_group = group.is_some_and(|group| {
        group.number == peer.group || name.is_some_and(|name| group.members.iter().any(|member| member == name))
    });
    peer.user == 0 || peer.user == own || in_group
}

/// The name of a user in a file like `/etc/passwd`.
pub fn user_named(users: &str, number: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(number)).then(|| name.to_owned())
    })
}

impl Actor {
    /// As the audit log names him.
    pub fn by(&self) -> audit::Actor {
        audit::Actor::Administrator(self.0.clone())
    }

    /// By the system's name for the user. Root is told with the user who logged in, where the kernel knows one: behind `sudo`
    /// everybody is root.
    pub fn of(peer: Peer) -> Self {
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let name = |number| user_named(&users, number).unwrap_or_else(|| format!("uid {number}"));
        match peer.process.and_then(login_user).filter(|login| peer.user == 0 && *login != 0) {
            Some(login) => Self(format!("{} (root)", name(login))),
            None => Self(name(peer.user)),
        }
    }

    /// This process itself.
    pub fn here() -> Self {
        let user = rustix::process::geteuid().as_raw();
        let process = i32::try_from(std::process::id()).ok();
        Self::of(Peer { user, group: rustix::process::getegid().as_raw(), process })
    }
}

/// Who logged in, in whose session the process runs.
fn login_user(process: i32) -> Option<u32> {
    let text = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("loginuid")).ok()?;
    // The highest number says that nobody did.
    text.trim().parse().ok().filter(|user| *user != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "root:x:0:\ntwoface:x:990:\ntwoface-admin:x:991:ana,luis\n";

    #[test]
    fn root_the_servers_own_user_and_members_of_the_group_may_ask_and_nobody_else() {
        let group = Group::named(GROUPS, "twoface-admin").unwrap();
        let asks = |user, primary, name| {
            let peer = Peer { user, group: primary, process: None };
            admits(peer, name, 990, Some(&group))
        };
        assert!(asks(0, 0, Some("root")) && asks(990, 990, Some("twoface")));
        assert!(asks(1000, 1000, Some("ana")) && asks(1001, 991, None), "by name, and by primary group");
        assert!(!asks(1002, 1002, Some("eva")) && !asks(1002, 1002, None) && !asks(65_534, 65_534, Some("nobody")));
        let peer = Peer { user: 1000, group: 1000, process: None };
        assert!(!admits(peer, Some("ana"), 990, None), "without such a group nobody else may");
    }

    #[test]
    fn groups_and_users_are_read_as_the_system_writes_them() {
        assert_eq!(Group::named(GROUPS, "twoface"), Some(Group { number: 990, members: Vec::new() }));
        assert_eq!(Group::named(GROUPS, ""), None);
        assert_eq!(Group::named("twoface-admin:x:many:ana", "twoface-admin"), None);
        let users = "root:x:0:0:root:/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\n";
        assert_eq!(user_named(users, 1000).as_deref(), Some("ana"));
        assert_eq!(user_named(users, 7), None);
    }
}
