//! A stretch of wire between the migrator and its server that is cut at one statement: before the server gets it, or
//! after the server did it and before the migrator hears so.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

/// Which side of the statement the wire is cut on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

/// The wire. Cut for good when it is dropped.
pub(crate) struct Cut {
    pub(crate) port: u16,
    reached: Option<oneshot::Receiver<()>>,
    task: JoinHandle<()>,
}

/// The command byte of a query in the text protocol.
const COM_QUERY: u8 = 3;

impl Cut {
    /// A wire to the server at `port` for one connection without TLS.
    pub(crate) async fn new(port: u16, statement: String, side: Side) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own_port = listener.local_addr().unwrap().port();
        let (tell, reached) = oneshot::channel();
        let task = tokio::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            carry(client, server, &statement, side).await;
            tell.send(()).unwrap();
            // Neither side hears anything any more, not even that the wire is cut, until it is dropped.
            std::future::pending::<()>().await;
        });
        Self { port: own_port, reached: Some(reached), task }
    }

    /// Returns when the statement was held back, or its answer was.
    pub(crate) async fn reached(&mut self) {
        self.reached.take().unwrap().await.unwrap();
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries packets both ways until the statement.
async fn carry(client: TcpStream, server: TcpStream, statement: &str, side: Side) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let holds = Arc::new(AtomicBool::new(false));
    let answers = tokio::spawn({
        let holds = holds.clone();
        async move {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let length = from_server.read(&mut buffer).await.unwrap();
                if length == 0 || holds.load(Ordering::SeqCst) {
                    // Both halves stay open: the server must not learn of the cut by itself.
                    return (from_server, to_client);
                }
                to_client.write_all(&buffer[..length]).await.unwrap();
            }
        }
    });
    loop {
        let mut header = [0; 4];
        from_client.read_exact(&mut header).await.unwrap();
        let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let mut body = vec![0; length as usize];
        from_client.read_exact(&mut body).await.unwrap();
        let is_it = body.first() == Some(&COM_QUERY) && &body[1..] == statement.as_bytes();
        if is_it && side == Side::Before {
            answers.abort();
            return;
        }
        holds.store(is_it, Ordering::SeqCst);
        to_server.write_all(&[&header[..], &body].concat()).await.unwrap();
        if is_it {
            answers.await.unwrap();
            return;
        }
    }
}
