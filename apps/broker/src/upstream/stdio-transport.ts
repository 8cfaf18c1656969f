import type { Duplex } from "node:stream";
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { JSONRPC_VERSION } from "@modelcontextprotocol/client";
import * as z from "zod";

/** The longest line that a server may send: a bigger result ends the connection, not the broker. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Enough to hand a line to the protocol layer, which checks the rest against its own schemas. */
const Message = z.looseObject({ jsonrpc: z.literal(JSONRPC_VERSION) });

/**
 * MCP's stdio transport (one JSON-RPC message per line) over a stream that the launcher carries. A line
 * that is not a message is reported and skipped: servers print banners.
 */
export class StdioTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: JSONRPCMessage) => void) | undefined;
  readonly #stream: Duplex;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  async start(): Promise<void> {
    this.#stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#stream.on("error", (error) => this.onerror?.(error));
    this.#stream.on("close", () => this.onclose?.());
    this.#stream.on("end", () => this.#stream.destroy());
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#stream.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve()));
    return promise;
  }

  async close(): Promise<void> {
    this.#stream.destroy();
  }

  #receive(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#pending.push(chunk.subarray(start, end));
      const line = Buffer.concat(this.#pending).toString("utf8");
      this.#pending = [];
      this.#pendingBytes = 0;
      start = end + 1;
      this.#deliver(line);
    }
    const rest = chunk.subarray(start);
    this.#pending.push(rest);
    this.#pendingBytes += rest.length;
    if (this.#pendingBytes > MAX_LINE_BYTES) {
      this.onerror?.(new Error(`the server sent a line of more than ${MAX_LINE_BYTES} bytes`));
      this.#stream.destroy();
    }
  }

  #deliver(line: string): void {
    if (line.trim() === "") return;
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      this.onerror?.(new Error("the server printed a line that is not JSON"));
      return;
    }
    const parsed = Message.safeParse(message);
    if (parsed.success) this.onmessage?.(message as JSONRPCMessage);
    else this.onerror?.(new Error("the server printed JSON that is not JSON-RPC 2.0"));
  }
}
