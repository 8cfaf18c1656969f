import type { EgressReason } from "@claws/contracts";
import { endToEndHeaders } from "../hop-by-hop.ts";
import type { EgressRequest } from "../read-request.ts";
import { problemOf, type Refused } from "../refusal.ts";
import { relay, type RelayLimits } from "../relay.ts";
import { BodyCut, PERIOD_MS, readBody, writeTo } from "./body-flow.ts";
import { BodyBlocked, BodyGate } from "./body-gate.ts";
import { clearHead, type Cleared, Refusal } from "./clear-head.ts";
import type { ContentFinding, ContentJudge } from "./content-judge.ts";
import { hasEcho } from "./echo-watch.ts";
import type { Exchange } from "./exchange.ts";
import type { InnerPermit, Inspection } from "./inspection.ts";
import { describeBlocked } from "./judge-head.ts";
import { outgoingHeaders } from "./outgoing-headers.ts";
import type { ReadSecret } from "./secret-store.ts";
import { type Upstream, UpstreamRefused } from "./upstream.ts";
import {
  sendUpstream,
  type Switched,
  type UpstreamAnswer,
  type UpstreamExchange,
} from "./upstream-exchange.ts";

export interface RelayParts {
  readonly inspection: Inspection;
  readonly upstream: Upstream;
  readonly requests: ContentJudge;
  readonly answers: ContentJudge;
  readonly readSecret: ReadSecret;
  readonly limits: () => RelayLimits;
}

/**
 * One request and its answer, in this order: read → rules, quotas, record (`judge`) → credential → content of the
 * head → content of the body → destination → content of the answer. Never rejects.
 */
export async function relayExchange(exchange: Exchange, parts: RelayParts): Promise<void> {
  const { inspection } = parts;
  const verdict = await inspection.judge(exchange.reading);
  if (!verdict.ok) return exchange.refuse(problemOf(verdict));
  const { reading } = exchange;
  const run = new Run(exchange, verdict);
  verdict.place.hold((because) => run.end(because));
  if (!reading.ok)
    return run.refuse({ reason: "internal", detail: "a request that cannot be read was allowed" });
  try {
    const cleared = clearHead(exchange, reading.request, verdict, parts);
    await run.relay(cleared, parts);
  } catch (error) {
    run.fail(error, reading.request);
  }
}

/** An exchange under way: counts its bytes and ends it once. */
class Run {
  readonly #exchange: Exchange;
  readonly #permit: InnerPermit;
  #bytesUp = 0;
  #bytesDown = 0;
  #isOver = false;
  /** Carries a WebSocket now, which ends by itself. */
  #isSwitched = false;
  #isUploaded = false;
  #isDownloaded = false;
  #sent: UpstreamExchange | undefined;

  constructor(exchange: Exchange, permit: InnerPermit) {
    this.#exchange = exchange;
    this.#permit = permit;
    exchange.onGone(() => {
      if (!this.#isSwitched) this.#finish();
    });
  }

  async relay(cleared: Cleared, parts: RelayParts): Promise<void> {
    const { inspection, upstream, requests, answers } = parts;
    const { request } = cleared;
    const { authority } = inspection;
    const exchange = this.#exchange;
    const { body } = exchange;
    const onFinding = (finding: ContentFinding) => inspection.onFinding(finding, request);

    const pace = isConversation(request) ? "chunk" : "window";
    const contentEncoding = request.headers("content-encoding").join(",");
    const chunks =
      body &&
      readBody(body, {
        allowance: this.#permit.quota.up,
        gate: requests.isIdle
          ? undefined
          : new BodyGate({ judge: requests, contentEncoding, pace, onFinding }),
        periodMs: pace === "window" ? PERIOD_MS : undefined,
        isWhole: () => exchange.isBodyWhole(),
      });
    exchange.invite();
    // A small body is judged as a whole before the destination hears of the request at all.
    const first = chunks && pace === "window" ? await chunks.next() : undefined;
    if (this.#isOver) return void (await chunks?.return());

    const sent = await sendUpstream(upstream, authority, {
      method: request.method,
      path: request.path ?? "/",
      rawHeaders: outgoingHeaders(exchange, cleared, answers),
      hasBody: body !== undefined,
      isUpgrade: exchange.upgrade !== undefined,
    });
    this.#sent = sent;
    if (this.#isOver) return sent.abort();
    const upload = this.#upload(sent, chunks, first);
    // A failed upload ends the wait for an answer; a complete one does not.
    const answer = await Promise.race([sent.answer, upload.then(() => sent.answer)]);
    if (answer.switched) return this.#switch(answer, answer.switched, cleared, parts);
    const download = this.#download(cleared, answer, answers, onFinding);
    await Promise.race([download, upload.then(() => download)]);
    this.#finish();
  }

  async #upload(
    sent: UpstreamExchange,
    chunks: AsyncGenerator<Buffer, void, void> | undefined,
    first: IteratorResult<Buffer, void> | undefined,
  ): Promise<void> {
    this.#isUploaded = chunks === undefined;
    if (chunks === undefined) return;
    try {
      for (let next = first ?? (await chunks.next()); !next.done; next = await chunks.next()) {
        this.#bytesUp += next.value.length;
        // Whoever takes no more has answered, or its answer's failure says what happened.
        if (!(await writeTo(sent.body, next.value))) return;
      }
      this.#isUploaded = true;
      sent.body.end();
    } finally {
      await chunks.return();
    }
  }

  async #download(
    { request, hidden }: Cleared,
    answer: UpstreamAnswer,
    answers: ContentJudge,
    onFinding: (finding: ContentFinding) => void,
  ): Promise<void> {
    const exchange = this.#exchange;
    const headers = endToEndHeaders(answer.rawHeaders);
    refuseEcho(headers, hidden, answers, onFinding);
    const hasBody = request.method !== "HEAD" && answer.status !== 204 && answer.status !== 304;
    const contentEncoding = valueOf(headers, "content-encoding");
    const isWhole = valueOf(headers, "content-length") !== "" && !isEventStream(headers);
    const pace = isWhole && (answers.canBlock || hidden.length > 0) ? "window" : "chunk";
    const isPlainPass = answers.isIdle && hidden.length === 0;
    const chunks = readBody(answer.body, {
      allowance: this.#permit.quota.down,
      isWhole: answer.isWhole,
      gate: isPlainPass
        ? undefined
        : new BodyGate({ judge: answers, contentEncoding, pace, hidden, onFinding }),
    });
    // With the first window's verdict there is still an answer to give in place of this one.
    const first = hasBody && pace === "window" ? await chunks.next() : undefined;
    if (this.#isOver) return void (await chunks.return());
    const sink = exchange.answer({ status: answer.status, rawHeaders: headers }, hasBody);
    try {
      if (!hasBody) {
        this.#isDownloaded = true;
        return void answer.body.resume();
      }
      for (let next = first ?? (await chunks.next()); !next.done; next = await chunks.next()) {
        this.#bytesDown += next.value.length;
        if (!(await writeTo(sink, next.value))) return;
      }
      const trailers = answer.trailers();
      refuseEcho(trailers, hidden, answers, onFinding);
      exchange.setTrailers(trailers);
      sink.end();
      this.#isDownloaded = true;
    } finally {
      await chunks.return();
    }
  }

  /** From here on it is bytes both ways (RFC 6455): frames are counted and not read. */
  #switch(
    answer: UpstreamAnswer,
    { socket, rest }: Switched,
    { request, hidden }: Cleared,
    { inspection, answers, limits }: RelayParts,
  ): void {
    const headers = endToEndHeaders(answer.rawHeaders);
    refuseEcho(headers, hidden, answers, (finding) => inspection.onFinding(finding, request));
    const client = this.#exchange.upgrade?.([...headers, "Connection", "Upgrade", "Upgrade", "websocket"]);
    if (client === undefined) throw new Error("nobody asked for an upgrade");
    this.#isSwitched = true;
    this.#sent = undefined;
    if (rest.length > 0) socket.unshift(rest);
    const { quota, place } = this.#permit;
    const onEnd = (reason: EgressReason | undefined) => {
      this.#bytesUp += socket.bytesWritten;
      this.#bytesDown += socket.bytesRead;
      this.#finish(reason);
    };
    place.hold(relay({ client, upstream: socket, quota, limits: limits(), onEnd }));
  }

  /** Ends it because of what an error says; what is no verdict of ours is the destination's failure. */
  fail(error: unknown, request: EgressRequest): void {
    if (this.#isOver) return;
    this.refuse(explain(error, request));
  }

  refuse(refused: Refused): void {
    if (this.#isOver) return;
    this.#finish(refused.reason);
    this.#exchange.refuse(problemOf({ rule: this.#permit.rule, ...refused }));
  }

  /** Ends it from outside: a place that is taken back, a policy that changed. */
  end(because?: EgressReason): void {
    if (this.#isOver) return;
    this.#finish(because);
    this.#exchange.abort();
  }

  #finish(reason?: EgressReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isUploaded || !this.#isDownloaded) this.#sent?.abort();
    this.#permit.finish({ reason, bytesUp: this.#bytesUp, bytesDown: this.#bytesDown });
  }
}

/** Throws Refusal when a value that the client must not come to know stands in one of the lines. */
function refuseEcho(
  lines: readonly string[],
  hidden: readonly Buffer[],
  answers: ContentJudge,
  onFinding: (finding: ContentFinding) => void,
): void {
  if (hidden.length === 0 || !lines.some((line) => hasEcho(line, hidden))) return;
  const finding: ContentFinding = { ...answers.judgeForm("credential-echo"), place: "headers" };
  onFinding(finding);
  throw new Refusal(describeBlocked(finding));
}

function explain(error: unknown, request: EgressRequest): Refused {
  if (error instanceof Refusal) return error.refused;
  if (error instanceof UpstreamRefused) return error.refused;
  if (error instanceof BodyBlocked) return describeBlocked(error.finding);
  if (error instanceof BodyCut) {
    const detail =
      error.reason === "timeout"
        ? "the body did not arrive in time"
        : "the byte budget of this session or host is used up";
    return { reason: error.reason, detail };
  }
  return { reason: "unreachable", detail: `the exchange with ${request.host} broke off: try again` };
}

/** Calls whose client waits for an answer before it sends more: gRPC and its kin. */
function isConversation({ headers }: EgressRequest): boolean {
  return /^application\/(?:grpc|connect)\b/i.test(headers("content-type")[0] ?? "");
}

function isEventStream(headers: readonly string[]): boolean {
  return /^text\/event-stream\b/i.test(valueOf(headers, "content-type"));
}

function valueOf(headers: readonly string[], name: string): string {
  return headers
    .flatMap((value, index) => (index % 2 === 1 && headers[index - 1]?.toLowerCase() === name ? [value] : []))
    .join(",");
}
