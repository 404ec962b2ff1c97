//! The server over real sockets, and the device's code for the browser.

mod server;
mod wasm;
