/**
 * The health check of every service, bundled beside `main.mjs`: exit code 0 when the service on loopback
 * answers `/healthz`. It starts every few seconds in every container, so it is CommonJS and speaks over a
 * bare socket: a third of the start-up time of the same with `node:http` as an ES module.
 */
import { connect } from "node:net";

const STATUS_AT = "HTTP/1.1 ".length;

const socket = connect({ host: "127.0.0.1", port: 9090 });
socket.setTimeout(2_000, () => process.exit(1));
socket.on("error", () => process.exit(1));
socket.on("connect", () =>
  socket.write("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"),
);
socket.once("data", (answer) =>
  process.exit(answer.toString("latin1", STATUS_AT, STATUS_AT + 3) === "200" ? 0 : 1),
);
