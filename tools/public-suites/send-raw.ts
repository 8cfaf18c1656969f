import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { parseArgs } from "node:util";

/** Where a public suite is sent, from the command line that all of its scripts share. */
export interface ProxyUnderTest {
  readonly host: string;
  readonly port: number;
  /** A whole `Proxy-Authorization` line with its end, or nothing. */
  readonly credentials: string;
  /** A host that the running policy allows on port 80 and that answers there. */
  readonly allowedHost: string;
}

export interface RawAnswer {
  /** Of the first response; null when the connection ended or fell silent without one. */
  readonly status: number | null;
  readonly text: string;
}

const SILENCE_MS = 1_500;

/** `<path> --proxy host:port [--token-file file] [--allowed-host name]` */
export function readArguments(): { readonly path: string; readonly proxy: ProxyUnderTest } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      proxy: { type: "string", default: "127.0.0.1:3128" },
      "token-file": { type: "string" },
      "allowed-host": { type: "string", default: "allowed.test" },
    },
  });
  const [path] = positionals;
  if (path === undefined) throw new Error("give the path of the suite, which is not part of this repository");
  const [host = "", port = ""] = values.proxy.split(/:(?=\d+$)/);
  return {
    path,
    proxy: {
      host,
      port: Number(port),
      credentials: readCredentials(values["token-file"]),
      allowedHost: values["allowed-host"],
    },
  };
}

function readCredentials(file: string | undefined): string {
  if (file === undefined) return "";
  const pair = Buffer.from(`main:${readFileSync(file, "utf8").trim()}`).toString("base64");
  return `Proxy-Authorization: Basic ${pair}\r\n`;
}

/** Sends latin1 text on a connection of its own and listens until the answer, the end, or silence. */
export async function sendRaw({ host, port }: ProxyUnderTest, bytes: string): Promise<RawAnswer> {
  const { promise, resolve } = Promise.withResolvers<RawAnswer>();
  const socket = connect({ host, port });
  let text = "";
  const finish = () => {
    socket.destroy();
    const status = /^HTTP\/\d\.\d (\d{3})/.exec(text)?.[1];
    resolve({ status: status === undefined ? null : Number(status), text });
  };
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  socket.on("end", finish).on("error", finish);
  socket.setTimeout(SILENCE_MS, finish);
  socket.write(bytes, "latin1");
  return promise;
}

/** Runs the cases some at a time, in their order. */
export async function mapSome<Case, Result>(
  cases: readonly Case[],
  run: (item: Case) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < cases.length; at += 16)
    results.push(...(await Promise.all(cases.slice(at, at + 16).map(run))));
  return results;
}
