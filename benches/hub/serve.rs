//! The servers that this program itself is, when it is told so: socketioxide on axum, as its documentation has it, circlet's hub, and
//! what none can be faster than.

use std::thread;

use axum::Router;
use axum::serve::ListenerExt;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

use crate::frames::{Frame, Order};
use crate::peers::FLOOR;
use crate::{Outcome, circlet, floor};

/// Serves until the process is ended. Without a number of threads there is one for each core.
pub(crate) fn serve(name: &str, threads: Option<usize>) -> Outcome<()> {
    let nodelay = match name {
        "circlet" => return circlet::serve(threads),
        FLOOR => return floor::serve(threads.unwrap_or(thread::available_parallelism()?.get())),
        "socketioxide" => true,
        "socketioxide-nagle" => false,
        _ => return Err(format!("nothing is served as {name}").into()),
    };
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    threads.map(|threads| builder.worker_threads(threads));
    builder.enable_all().build()?.block_on(listen(nodelay))
}

async fn listen(nodelay: bool) -> Outcome<()> {
    let (layer, io) = SocketIo::new_layer();
    let publisher = io.clone();
    io.ns("/", async move |viewer: SocketRef| {
        viewer.on(
            "join-game",
            async |viewer: SocketRef, Data(room): Data<String>, acknowledge: AckSender| {
                viewer.join(room);
                let _ = acknowledge.send("joined");
            },
        );
        viewer.on("start", async move |Data(order): Data<Order>, acknowledge: AckSender| {
            let _ = acknowledge.send(&publish(&publisher, &order).await);
        });
    });
    let routes = Router::new().layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    if nodelay {
        let listener = listener.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        axum::serve(listener, routes).await?;
    } else {
        axum::serve(listener, routes).await?;
    }
    Ok(())
}

/// Publishes each frame at its time since the order, and gives how many.
async fn publish(io: &SocketIo, order: &Order) -> u64 {
    let begin = Instant::now();
    for tick in 0..order.count() {
        sleep_until(begin + order.due(tick)).await;
        // Who is too slow for it goes without.
        let _ = io.to(order.room.clone()).emit("state", &Frame::next(order.bytes)).await;
    }
    order.count()
}
