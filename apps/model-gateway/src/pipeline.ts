import type { IncomingHttpHeaders } from "node:http";
import type { AgentIdentity } from "@claws/agent-token";
import type { CompiledPolicy, JsonValue, MicroUsd, ModelProvider } from "@claws/contracts";
import { type Logger, ProblemError, type VerificationGate } from "@claws/service-kit";
import { decideDelivery } from "./decide-delivery.ts";
import type { Dialect } from "./dialects/dialect.ts";
import type { CappedCall, ScreenedCall } from "./model-call.ts";
import { estimateCost } from "./price.ts";
import type { Provider, ProviderAnswer } from "./providers/provider.ts";
import type { Reply } from "./reply.ts";
import type { AuditTrail } from "./steps/audit-trail.ts";
import type { Authenticator } from "./steps/authenticate.ts";
import { capTokens } from "./steps/cap-tokens.ts";
import { deliverError } from "./steps/deliver-error.ts";
import { deliverWhole } from "./steps/deliver-whole.ts";
import { judgeStatus } from "./steps/judge-status.ts";
import { readModelCall } from "./steps/read-model-call.ts";
import { relayStream } from "./steps/relay-stream.ts";
import { requireVerified } from "./steps/require-verified.ts";
import type { Reservation, SpendReserver } from "./steps/reserve-spend.ts";
import type { ContentScreen } from "./steps/screen-content.ts";
import { type CallEnding, createCallSettler } from "./steps/settle-call.ts";

export interface IncomingCall {
  readonly dialect: Dialect;
  readonly headers: IncomingHttpHeaders;
  readonly readBody: () => Promise<JsonValue>;
  /** Aborts when the agent goes away. */
  readonly signal: AbortSignal;
}

export interface PipelineParts {
  readonly policy: CompiledPolicy;
  readonly authenticate: Authenticator;
  readonly verification: Pick<VerificationGate, "refusal">;
  readonly screen: ContentScreen;
  readonly reserve: SpendReserver;
  readonly audit: AuditTrail;
  readonly providerOf: (spec: ModelProvider) => Provider;
  readonly onSettled: (dialect: Dialect, ending: CallEnding, spent: MicroUsd) => void;
  readonly logger: Logger;
}

export type Pipeline = (incoming: IncomingCall) => Promise<Reply>;

/** One call to a model, from the agent's request to the settled bill. */
export function createPipeline(parts: PipelineParts): Pipeline {
  const { policy, authenticate, reserve, audit } = parts;

  return async function handleCall(incoming) {
    const identity = await authenticate(incoming.headers);
    let subject = incoming.dialect.path;
    let call: ScreenedCall;
    let reservation: Reservation;
    try {
      requireVerified(parts.verification);
      const asked = readModelCall(incoming.dialect, await incoming.readBody(), policy.models);
      subject = asked.model.name;
      const capped = capTokens(asked, policy.limits.tokensPerRequest);
      call = await screenCall(capped);
      reservation = await reserve({
        identity,
        model: call.model.name,
        estimateMicroUsd: call.estimateMicroUsd,
      });
    } catch (error) {
      if (error instanceof ProblemError) await audit.recordRefused(identity, subject, error.problem);
      throw error;
    }
    await recordOrRelease(identity, call, reservation);
    return sendCall(incoming, identity, call, reservation);
  };

  /** A redacted request is another request: it is read and capped anew before it is priced. */
  async function screenCall(capped: CappedCall): Promise<ScreenedCall> {
    const screened = await parts.screen("model-requests", capped.body);
    const clean = screened.isChanged
      ? capTokens(
          readModelCall(capped.dialect, screened.content, policy.models),
          policy.limits.tokensPerRequest,
        )
      : capped;
    const bytes = Buffer.byteLength(JSON.stringify(clean.body));
    return {
      ...clean,
      flaggedRules: screened.flaggedRules,
      estimateMicroUsd: estimateCost(clean.model, bytes, clean.maxOutputTokens),
    };
  }

  /** No record, no call. */
  async function recordOrRelease(identity: AgentIdentity, call: ScreenedCall, reservation: Reservation) {
    try {
      await audit.recordAllowed(identity, call.model.name, {
        dialect: call.dialect.name,
        provider: call.provider.baseUrl,
        isStreamed: call.isStreamed,
        maxOutputTokens: call.maxOutputTokens,
        estimateMicroUsd: call.estimateMicroUsd,
        reservation: reservation.id,
        flaggedRules: [...call.flaggedRules],
      });
    } catch (error) {
      await reservation.settle({ outcome: "release" });
      throw error;
    }
  }

  async function sendCall(
    { headers, signal }: IncomingCall,
    identity: AgentIdentity,
    call: ScreenedCall,
    reservation: Reservation,
  ): Promise<Reply> {
    const { dialect, model, provider } = call;
    const settle = createCallSettler({
      identity,
      model,
      reservation,
      audit,
      onSettled: (ending, spent) => parts.onSettled(dialect, ending, spent),
    });
    const isStreamed = decideDelivery(call.isStreamed, policy.dlp["model-responses"]) === "pass-through";
    const result = await parts.providerOf(provider).send({
      dialect,
      spec: provider,
      body: dialect.createUpstreamBody(call.body, isStreamed),
      headers: chooseHeaders(dialect, headers),
      isStreamed,
      signal,
    });
    if (result.outcome !== "answered") {
      await settle({ kind: result.outcome, code: result.problem.code });
      throw new ProblemError(result.problem);
    }
    const screen = screenResponses(identity, model.name);
    if (judgeStatus(result.status) !== "success") return deliverError(call, result, settle, screen);
    if (!isStreamed || !isEventStream(result)) return deliverWhole(call, result, settle, screen);
    const chunks = relayStream(result.body, dialect, settle, parts.logger);
    return { kind: "stream", headers: { ...result.headers, "cache-control": "no-cache" }, chunks };
  }

  function screenResponses(identity: AgentIdentity, model: string): ContentScreen {
    return async (direction, content) => {
      try {
        return await parts.screen(direction, content);
      } catch (error) {
        if (error instanceof ProblemError) await audit.recordWithheld(identity, model, error.problem);
        throw error;
      }
    };
  }
}

function isEventStream({ headers }: ProviderAnswer): boolean {
  return headers["content-type"]?.startsWith("text/event-stream") ?? false;
}

function chooseHeaders(dialect: Dialect, headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    dialect.forwardedHeaders.flatMap((name) => {
      const value = headers[name];
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
}
