//! Closures that run in nodes; without root, by this program's own user namespace.

#![allow(clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
};

use lab_support::{Footprint, pair};
use labnet::{Error, TestResult};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

labnet::userns!();

#[tokio::test]
async fn closures_are_hosts_on_the_network() -> TestResult {
    let lab = pair().up().await?;
    let (sender, listening) = oneshot::channel();
    let (r2, kali) = (lab.node("R2"), lab.node("KALI"));
    let server = r2.spawn(async || {
        let listener = TcpListener::bind("10.10.10.2:80").await?;
        let _ = sender.send(());
        let (mut stream, peer) = listener.accept().await?;
        stream.write_all(format!("hello {}", peer.ip()).as_bytes()).await.map(|()| peer.port())
    });
    let server = server.await?;
    listening.await?;
    let client = kali.spawn(async || {
        let mut stream = TcpStream::connect("R2:80").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>((text, stream.local_addr()?.port()))
    });
    let (text, port) = client.await?.join().await??;
    assert_eq!(text, "hello 10.10.10.3");
    assert_eq!(server.join().await??, port);
    Ok(())
}

#[tokio::test]
async fn a_closure_sees_its_nodes_name_files_and_interfaces() -> TestResult {
    let lab = pair().up().await?;
    let r2 = lab.node("R2");
    r2.write("notes.txt", "of R2").await?;
    let look = r2.spawn(async || {
        let interfaces = fs::read_dir("/sys/class/net")?.flatten().map(|entry| entry.file_name());
        let mut interfaces: Vec<_> = interfaces.collect();
        interfaces.retain(|name| name == "eth0");
        let name = fs::read_to_string("/proc/sys/kernel/hostname")?;
        // A blocking task is in the node too.
        let notes = tokio::task::spawn_blocking(|| fs::read_to_string("notes.txt")).await??;
        Ok::<_, std::io::Error>((interfaces.len(), name.trim().to_owned(), notes))
    });
    assert_eq!(look.await?.join().await??, (1, "R2".to_owned(), "of R2".to_owned()));
    // This thread is where it was.
    assert!(!fs::read_to_string("/proc/sys/kernel/hostname")?.starts_with("R2"));
    assert!(!fs::exists("notes.txt")?);
    Ok(())
}

#[tokio::test]
async fn a_panic_in_a_closure_goes_on_where_it_is_joined() -> TestResult {
    let lab = pair().up().await?;
    let task = lab.node("R2").spawn(async || panic!("on purpose")).await?;
    let joined = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(task.join()))).map(drop)
    });
    let panic = joined.join().unwrap().unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
    Ok(())
}

#[tokio::test]
async fn a_closure_that_waits_ends_with_its_lab() -> TestResult {
    let lab = pair().up().await?;
    let footprint = Footprint::of(&lab).await?;
    let node = lab.node("R2");
    let forever = node.spawn(async || std::future::pending::<()>().await).await?;
    let unwatched =
        node.spawn(async || TcpListener::bind("0.0.0.0:80").await?.accept().await).await?;
    drop(unwatched);
    drop(lab);
    let error = forever.join().await.unwrap_err();
    assert!(matches!(&error, Error::Closure { .. }), "{error}");
    assert_eq!(error.to_string(), "R2: the lab ended before the closure did");
    footprint.assert_gone();
    Ok(())
}
