//! What happens in a lab for others to look at what is captured of it.

#![allow(clippy::unwrap_used)]

use std::{future::Future, io::ErrorKind, pin::Pin};

use labnet::{Lab, Node, Signal, TestResult};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// R2 and KALI as in the sockets lab, with IPv6 addresses too.
const TOPOLOGY: &str = r#"
name = "scene"
[nodes.R2]
interfaces.eth0 = ["10.10.10.2/24", "2001:db8::2/64"]
# What comes from where there is no way back is dropped, of connections too.
sysctls."net.ipv4.conf.all.rp_filter" = 1
sysctls."net.ipv4.ip_early_demux" = 0
[nodes.R2.programs.echo]
run = "labnet echo serve 10.10.10.2:5001"
ready = "tcp:5001"
[nodes.R2.programs.file]
run = "labnet file serve 10.10.10.2:5002 --into ."
ready = "tcp:5002"
[nodes.KALI]
interfaces.eth0 = ["10.10.10.3/24", "2001:db8::3/64"]
[links.lan]
ends = ["R2:eth0", "KALI:eth0"]
"#;

type Playing<'a> = Pin<Box<dyn Future<Output = TestResult> + 'a>>;

/// Something that happens on the link.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// Programs that take part.
    pub(crate) needs: &'static [&'static str],
    /// What lists of it must contain, or nothing has been compared.
    pub(crate) shows: &'static [&'static str],
    pub(crate) offload: bool,
    pub(crate) play: fn(&Lab) -> Playing<'_>,
}

impl Scene {
    pub(crate) fn topology(&self) -> String {
        format!("{TOPOLOGY}offload = {}\n", self.offload)
    }
}

/// All of them.
pub(crate) fn scenes() -> Vec<Scene> {
    let plain = |name, shows, play| Scene { name, needs: &[], shows, offload: false, play };
    let ping = ["ping"].as_slice();
    vec![
        plain("a_chat", &["5000 [SYN]", "[FIN, ACK]"], |lab| Box::pin(chat(lab))),
        plain("the_echo_dialogues", &["Len=19", "Len=22"], |lab| Box::pin(dialogues(lab))),
        plain("100_echo_clients_at_once", &["Len=19"], |lab| Box::pin(crowd(lab))),
        plain("a_file", &["1514 ", "Len=1448"], |lab| Box::pin(file(lab))),
        Scene {
            offload: true,
            ..plain("a_file_with_offload", &["→ 5002"], |lab| Box::pin(file(lab)))
        },
        plain("datagrams_to_nobody", &["Port unreachable", "UDP 1042"], |lab| {
            Box::pin(unreachable(lab))
        }),
        plain("fragments", &["Fragmented IP protocol"], |lab| Box::pin(fragments(lab))),
        Scene {
            needs: ping,
            ..plain("a_ping", &["Echo (ping) reply"], |lab| Box::pin(ping_to(lab, "10.10.10.2")))
        },
        Scene {
            needs: ping,
            ..plain("a_ping_over_ipv6", &["Neighbor Solicitation", "Echo (ping) reply"], |lab| {
                Box::pin(ping_to(lab, "2001:db8::2"))
            })
        },
        plain("a_chat_over_ipv6", &["2001:db8::3 → 2001:db8::2  TCP"], |lab| {
            Box::pin(over_ipv6(lab))
        }),
        plain("questions_that_nobody_answers", &["Who has 10.10.10.77?"], |lab| {
            Box::pin(questions(lab))
        }),
        plain("a_refused_connection", &["[RST, ACK]"], |lab| Box::pin(refused(lab))),
        plain(
            "a_receiver_that_does_not_read",
            &["[TCP ZeroWindow]", "[TCP Window Update]"],
            |lab| Box::pin(full(lab)),
        ),
        plain("a_receiver_that_is_killed", &["[RST"], |lab| Box::pin(killed(lab))),
        Scene {
            needs: &["ip"],
            ..plain("frames_that_are_lost", &["Retransmission]"], |lab| Box::pin(lost(lab)))
        },
    ]
}

fn hosts(lab: &Lab) -> (Node, Node) {
    (lab.node("R2"), lab.node("KALI"))
}

async fn chat(lab: &Lab) -> TestResult {
    let (r2, kali) = hosts(lab);
    let mut listener = r2.command("labnet nc -l -N 5000 --prefix 'R2: '").spawn().await?;
    listener.ready("tcp:5000").await?;
    let connect = kali.command("labnet nc -N R2 5000 --prefix 'KALI: '");
    let mut client = connect.spawn().await?;
    client.write("Hi Iam kali\n").await?;
    listener.expect("KALI: Hi Iam kali\n").await?;
    listener.write("Hi Iam R2\n").await?;
    client.expect("R2: Hi Iam R2\n").await?;
    client.close_stdin();
    listener.close_stdin();
    client.wait().await?.success()?;
    listener.wait().await?.success()?;
    Ok(())
}

async fn dialogues(lab: &Lab) -> TestResult {
    for words in ["my net id is ha2755", "my net id ha2755 should be kept SECRET"] {
        let send = format!("labnet echo send R2:5001 {words}");
        lab.node("KALI").command(&send).run().await?.success()?;
    }
    Ok(())
}

/// All are connected before the first speaks.
async fn crowd(lab: &Lab) -> TestResult {
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(lab.node("KALI").tcp_connect("10.10.10.2:5001".parse()?).await?);
    }
    let mut talks = tokio::task::JoinSet::new();
    for mut client in clients {
        talks.spawn(async move {
            let mut reply = String::new();
            client.write_all(b"my net id is ha2755").await.unwrap();
            client.read_to_string(&mut reply).await.unwrap();
            reply
        });
    }
    for reply in talks.join_all().await {
        assert_eq!(reply, "Secret code not found.");
    }
    Ok(())
}

async fn file(lab: &Lab) -> TestResult {
    let kali = lab.node("KALI");
    kali.write("file", vec![7; 1 << 20]).await?;
    kali.command("labnet file send R2:5002 file").run().await?.success()?;
    Ok(())
}

/// Datagrams that are answered by ICMP.
async fn unreachable(lab: &Lab) -> TestResult {
    let sender = lab.node("KALI").udp_bind("10.10.10.3:0".parse()?).await?;
    sender.connect("10.10.10.2:7000").await?;
    for length in [0, 1, 1000] {
        sender.send(&vec![b'x'; length]).await?;
        let answer = sender.recv(&mut [0]).await.unwrap_err();
        assert_eq!(answer.kind(), ErrorKind::ConnectionRefused);
    }
    Ok(())
}

async fn fragments(lab: &Lab) -> TestResult {
    let (r2, kali) = hosts(lab);
    for [here, there] in
        [["10.10.10.2:7000", "10.10.10.3:0"], ["[2001:db8::2]:7000", "[2001:db8::3]:0"]]
    {
        let receiver = r2.udp_bind(here.parse()?).await?;
        let sender = kali.udp_bind(there.parse()?).await?;
        sender.send_to(&[7; 4000], receiver.local_addr()?).await?;
        assert_eq!(receiver.recv(&mut [0; 5000]).await?, 4000);
    }
    Ok(())
}

async fn ping_to(lab: &Lab, address: &str) -> TestResult {
    let ping = format!("ping -n -c 3 -i 0.01 {address}");
    lab.node("KALI").command(&ping).run().await?.success()?;
    Ok(())
}

async fn over_ipv6(lab: &Lab) -> TestResult {
    let (r2, kali) = hosts(lab);
    let listener = r2.tcp_listen("[2001:db8::2]:5000".parse()?).await?;
    let mut client = kali.tcp_connect(listener.local_addr()?).await?;
    let (mut server, _) = listener.accept().await?;
    client.write_all(&[7; 10_000]).await?;
    client.shutdown().await?;
    let mut read = Vec::new();
    server.read_to_end(&mut read).await?;
    assert_eq!(read.len(), 10_000);
    Ok(())
}

/// Nobody has that address: the kernel asks again.
async fn questions(lab: &Lab) -> TestResult {
    let kali = lab.node("KALI");
    let asked = kali.capture("eth0").filter("arp").count(2).start().await?;
    let sender = kali.udp_bind("10.10.10.3:0".parse()?).await?;
    sender.send_to(b"?", "10.10.10.77:7000").await?;
    asked.ended().await?;
    Ok(())
}

async fn refused(lab: &Lab) -> TestResult {
    for _ in 0..3 {
        let connected = lab.node("KALI").tcp_connect("10.10.10.2:7000".parse()?).await;
        assert!(connected.is_err());
    }
    Ok(())
}

/// A connection from KALI to R2.
async fn connection(lab: &Lab) -> TestResult<(TcpStream, TcpStream)> {
    let (r2, kali) = hosts(lab);
    let listener = r2.tcp_listen("10.10.10.2:5000".parse()?).await?;
    let client = kali.tcp_connect(listener.local_addr()?).await?;
    Ok((client, listener.accept().await?.0))
}

/// The window closes, KALI asks twice whether it is open again, and then R2 reads.
async fn full(lab: &Lab) -> TestResult {
    let (mut client, mut server) = connection(lab).await?;
    // Of a segment without options but timestamps: the window, where it says so.
    let closed = "src host 10.10.10.2 and tcp[14:2] = 0";
    let closed = lab.node("R2").capture("eth0").filter(closed).count(3).start().await?;
    let content = vec![7; 1 << 20];
    let sent = async {
        client.write_all(&content).await?;
        client.shutdown().await
    };
    let read = async {
        closed.ended().await?;
        let mut read = Vec::new();
        server.read_to_end(&mut read).await?;
        TestResult::Ok(read.len())
    };
    let (sent, read) = tokio::join!(sent, read);
    sent?;
    assert_eq!(read?, content.len());
    Ok(())
}

async fn killed(lab: &Lab) -> TestResult {
    let (r2, kali) = hosts(lab);
    let receiver = r2.command("sh -c 'labnet nc -l 5000 | sleep 1000'").spawn().await?;
    receiver.ready("tcp:5000").await?;
    let mut client = kali.tcp_connect("10.10.10.2:5000".parse()?).await?;
    client.write_all(&[7; 300_000]).await?;
    receiver.signal(Signal::Kill).await?;
    receiver.wait().await?;
    while client.write_all(&[7; 10_000]).await.is_ok() {}
    Ok(())
}

/// R2 has no way to KALI for a while: what arrives from there is dropped, after it was captured.
async fn lost(lab: &Lab) -> TestResult {
    let (mut client, mut server) = connection(lab).await?;
    let r2 = lab.node("R2");
    let way = async |verb: &str| {
        let command = format!("ip route {verb} blackhole 10.10.10.3/32");
        r2.command(&command).run().await?.success()?;
        TestResult::Ok(())
    };
    let mut length = 0;
    for _ in 0..5 {
        client.write_all(&[1; 20_000]).await?;
        server.read_exact(&mut [0; 20_000]).await?;
        way("add").await?;
        client.write_all(&[2; 3_000]).await?;
        way("del").await?;
        client.write_all(&[3; 50_000]).await?;
        server.read_exact(&mut [0; 53_000]).await?;
        length += 73_000;
    }
    client.shutdown().await?;
    assert_eq!(server.read(&mut [0]).await?, 0, "after {length} bytes");
    Ok(())
}
