//! Names to addresses, without the C library: its resolver loads shared libraries, which a static executable has not.
//!
//! Nothing is remembered between two questions: the list is asked with the address that the name has now, and a changed
//! /etc/resolv.conf counts at once.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

use crate::domain::webhook::NoAnswer;

/// Addresses of `name`, those of IPv4 first. `servers`: instead of those of /etc/resolv.conf.
pub(super) fn addresses(name: &str, servers: &[SocketAddr], within: Duration) -> Result<Vec<IpAddr>, NoAnswer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|_| NoAnswer::NameNotFound)?;
    runtime.block_on(async {
        let mut builder = match servers.is_empty() {
            true => TokioResolver::builder_tokio().map_err(|_| NoAnswer::NameNotFound)?,
            false => TokioResolver::builder_with_config(asking(servers), TokioRuntimeProvider::default()),
        };
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.cache_size = 0;
        options.timeout = within / 3;
        let resolver = builder.build().map_err(|_| NoAnswer::NameNotFound)?;
        match tokio::time::timeout(within, resolver.lookup_ip(name)).await {
            Ok(Ok(found)) => Ok(found.iter().collect()),
            Ok(Err(_)) => Err(NoAnswer::NameNotFound),
            Err(_) => Err(NoAnswer::TimedOut),
        }
    })
}

fn asking(servers: &[SocketAddr]) -> ResolverConfig {
    let mut config = ResolverConfig::default();
    for server in servers {
        let with_port = |mut connection: ConnectionConfig| {
            connection.port = server.port();
            connection
        };
        let mut one = NameServerConfig::udp_and_tcp(server.ip());
        one.connections = vec![with_port(ConnectionConfig::udp()), with_port(ConnectionConfig::tcp())];
        config.add_name_server(one);
    }
    config
}
