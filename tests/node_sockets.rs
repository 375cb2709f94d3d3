//! Sockets made in nodes and used here, by whatever privilege.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::io::ErrorKind;

use lab_support::pair;
use labnet::{Error, TestResult};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn streams_go_from_node_to_node() -> TestResult {
    let lab = pair().up().await?;
    // A low port: the lab is root of its own network.
    let listener = lab.node("R2").tcp_listen("10.10.10.2:80".parse()?).await?;
    let mut client = lab.node("KALI").tcp_connect("10.10.10.2:80".parse()?).await?;
    let (mut server, peer) = listener.accept().await?;
    assert_eq!(peer, client.local_addr()?);
    assert_eq!(peer.ip().to_string(), "10.10.10.3");
    client.write_all(b"hello").await?;
    client.shutdown().await?;
    let mut text = String::new();
    server.read_to_string(&mut text).await?;
    assert_eq!(text, "hello");
    Ok(())
}

#[tokio::test]
async fn programs_in_nodes_are_peers() -> TestResult {
    let lab = pair().up().await?;
    let listener = lab.node("R2").tcp_listen("0.0.0.0:5000".parse()?).await?;
    let client = lab.node("KALI").command("labnet nc -N R2 5000").stdin("from a program");
    let received = async {
        let mut text = String::new();
        listener.accept().await?.0.read_to_string(&mut text).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(text)
    };
    let (client, received) = tokio::join!(client.run(), received);
    client?.success()?;
    assert_eq!(received?, "from a program");
    Ok(())
}

#[tokio::test]
async fn datagrams_go_from_node_to_node() -> TestResult {
    let lab = pair().up().await?;
    let here = lab.node("R2").udp_bind("10.10.10.2:53".parse()?).await?;
    let there = lab.node("KALI").udp_bind("10.10.10.3:1024".parse()?).await?;
    there.send_to(b"question", "10.10.10.2:53").await?;
    let mut buffer = [0; 64];
    let (length, from) = here.recv_from(&mut buffer).await?;
    assert_eq!((&buffer[..length], from), (b"question".as_slice(), "10.10.10.3:1024".parse()?));
    Ok(())
}

#[tokio::test]
async fn the_kernels_answers_are_errors_that_name_the_place() -> TestResult {
    let lab = pair().up().await?;
    let r2 = lab.node("R2");
    let _taken = r2.tcp_listen("10.10.10.2:80".parse()?).await?;
    let error = r2.tcp_listen("10.10.10.2:80".parse()?).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot bind a socket to 10.10.10.2:80 in R2: Address already in use (EADDRINUSE)");
    let error = lab.node("KALI").udp_bind("10.10.10.2:80".parse()?).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot bind a socket to 10.10.10.2:80 in KALI: Cannot assign requested address (EADDRNOTAVAIL)");
    let error = lab.node("KALI").tcp_connect("10.10.10.2:81".parse()?).await.unwrap_err();
    assert!(
        matches!(&error, Error::Io { error, .. } if error.kind() == ErrorKind::ConnectionRefused)
    );
    insta::assert_snapshot!(error, @"cannot connect from KALI to 10.10.10.2:81: Connection refused (os error 111)");
    let error = lab.node("KALI").tcp_connect("192.0.2.1:81".parse()?).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot connect from KALI to 192.0.2.1:81: Network is unreachable (os error 101)");
    Ok(())
}

#[tokio::test]
async fn labs_with_the_same_addresses_do_not_meet() -> TestResult {
    let (first, second) = tokio::try_join!(pair().up(), pair().up())?;
    let address = "10.10.10.2:80".parse()?;
    let _first = first.node("R2").tcp_listen(address).await?;
    assert!(second.node("KALI").tcp_connect(address).await.is_err());
    let _second = second.node("R2").tcp_listen(address).await?;
    second.node("KALI").tcp_connect(address).await?;
    Ok(())
}
