//! Compressing and encrypting on a thread of its own, so that reading never waits for it.

use tokio::sync::{mpsc, oneshot};

use crate::{
    Error,
    keys::MakingKeys,
    pack::{Packed, Packer},
};

/// Pieces of text that may wait for the thread: enough that neither side idles.
const WAITING: usize = 16;

enum Order {
    Text(Vec<u8>),
    Finish(oneshot::Sender<std::io::Result<Packed>>),
}

/// Takes text, and gives objects.
pub(crate) struct Packing {
    orders: mpsc::Sender<Order>,
    /// Of the object in the making, in bytes.
    text_bytes: usize,
}

/// An object that will be ready soon.
pub(crate) struct Pending(oneshot::Receiver<std::io::Result<Packed>>);

impl Packing {
    pub(crate) fn start(keys: MakingKeys) -> Self {
        let (orders, mut given) = mpsc::channel(WAITING);
        tokio::task::spawn_blocking(move || {
            let mut packer: std::io::Result<Option<Packer>> = Ok(None);
            while let Some(order) = given.blocking_recv() {
                match order {
                    Order::Text(text) => packer = packer.and_then(|packer| add(packer, &text, &keys)),
                    Order::Finish(reply) => {
                        let made = std::mem::replace(&mut packer, Ok(None)).and_then(|packer| finish(packer, &keys));
                        // Nobody waits for it when the backup has failed elsewhere.
                        let _ = reply.send(made);
                    }
                }
            }
        });
        Self { orders, text_bytes: 0 }
    }

    /// How much is in the object in the making.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    pub(crate) async fn text(&mut self, text: Vec<u8>) -> Result<(), Error> {
        self.text_bytes += text.len();
        self.orders.send(Order::Text(text)).await.map_err(|_| ended())
    }

    /// Ends the object; what comes belongs to the next one.
    pub(crate) async fn finish(&mut self) -> Result<Pending, Error> {
        self.text_bytes = 0;
        let (reply, pending) = oneshot::channel();
        self.orders.send(Order::Finish(reply)).await.map_err(|_| ended())?;
        Ok(Pending(pending))
    }
}

impl Pending {
    pub(crate) async fn ready(self) -> Result<Packed, Error> {
        self.0.await.map_err(|_| ended())?.map_err(Error::local("compressing and encrypting"))
    }
}

fn add(packer: Option<Packer>, text: &[u8], keys: &MakingKeys) -> std::io::Result<Option<Packer>> {
    let mut packer = packer.map_or_else(|| Packer::new(keys), Ok)?;
    packer.write(text)?;
    Ok(Some(packer))
}

fn finish(packer: Option<Packer>, keys: &MakingKeys) -> std::io::Result<Packed> {
    packer.map_or_else(|| Packer::new(keys), Ok)?.finish()
}

fn ended() -> Error {
    let source = std::io::Error::other("its thread has ended");
    Error::Local { doing: "compressing and encrypting".to_owned(), source }
}
