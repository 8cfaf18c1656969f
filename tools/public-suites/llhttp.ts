/**
 * The request tests of llhttp, sent to a running proxy in absolute-form: what strict llhttp calls an error
 * must never be answered with success.
 * `node tools/public-suites/llhttp.ts <checkout of nodejs/llhttp> --proxy host:port [--token-file file]
 * [--allowed-host name]`
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mapSome, readArguments, sendRaw } from "./send-raw.ts";

interface Case {
  readonly title: string;
  readonly input: string;
  readonly isError: boolean;
}

const { path, proxy } = readArguments();
const found = globSync("test/request/*.md", { cwd: path }).flatMap((file) =>
  readCases(file, readFileSync(join(path, file), "utf8")),
);
const cases = found.filter(({ isError }) => isError);
const judged = await mapSome(cases, async ({ title, input }) => {
  const { status } = await sendRaw(proxy, toAbsoluteForm(input));
  return { title, status, isWrong: status !== null && status < 400 };
});
const wrong = judged.filter(({ isWrong }) => isWrong);
for (const { title, status } of wrong) process.stdout.write(`${JSON.stringify({ title, status })}\n`);
process.stdout.write(
  `${JSON.stringify({ cases: found.length, skipped: found.length - cases.length, sent: judged.length, wrong: wrong.length })}\n`,
);
process.exitCode = wrong.length > 0 ? 1 : 0;

/** Strict cases only: in the lenient ones an error is allowed for that no listener of ours would take. */
function readCases(file: string, text: string): Case[] {
  const pattern =
    /^#+ (.+)$[^]*?<!-- meta=(\{.*?\}) -->\s*```http\n([^]*?)```\s*(?:<!--[^]*?-->\s*)?```log\n([^]*?)```/gm;
  return [...text.matchAll(pattern)].flatMap(([, title = "", meta = "{}", http = "", log = ""]) => {
    const { type } = JSON.parse(meta) as { type?: string };
    if (type !== "request" || http.includes("${")) return [];
    return [
      {
        title: `${file}: ${title}`,
        input: unescape(http),
        isError: /error code=\d+/.test(log) && !/error code=2[12]\b/.test(log),
      },
    ];
  });
}

/** As test/md-test.ts of llhttp reads its blocks. */
function unescape(text: string): string {
  return text
    .replace(/\n$/, "")
    .replaceAll(/\\\n/g, "")
    .replaceAll("\n", "\r\n")
    .replaceAll(/\\(?:x([0-9a-fA-F]{2})|([rntf]))/g, (_all, hex?: string, letter?: string) =>
      hex === undefined
        ? ({ r: "\r", n: "\n", t: "\t", f: "\f" }[letter ?? ""] ?? "")
        : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

/** For a forward proxy: an absolute target, a Host that agrees with it, and the caller's credentials. */
function toAbsoluteForm(input: string): string {
  const { allowedHost, credentials } = proxy;
  const hasHost = /^host:/im.test(input);
  const absolute = input.replace(/^(\S+ )\/(\S*)/, `$1http://${allowedHost}/$2`);
  const named = absolute.replace(/^(host:[ \t]*)[^\r\n]*/im, `$1${allowedHost}`);
  const added = `${hasHost ? "" : `Host: ${allowedHost}\r\n`}${credentials}`;
  return named.replace(/^([^\n]* HTTP\/\d\.\d\r\n)/, `$1${added}`);
}
