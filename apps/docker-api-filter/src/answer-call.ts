import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { ProblemError } from "@claws/service-kit";
import * as z from "zod";
import type { EngineCall } from "./decide-request.ts";
import { EngineInfo, EngineVersion, InspectedContainer, ListedContainer } from "./engine-answers.ts";
import type { Engine } from "./engine.ts";
import { createEventLines } from "./event-lines.ts";
import { isOfProject } from "./project-labels.ts";
import { showInspected, showList } from "./show-container.ts";
import { showEvent } from "./show-event.ts";

export interface AnswerOptions {
  readonly engine: Pick<Engine, "open" | "read">;
  readonly project: string;
}

/** What client libraries read from `/_ping` to agree on an API version. */
const PING_HEADERS = ["api-version", "ostype", "docker-experimental"];

/** Plays one allowed call against the engine and answers with what may be seen of it. */
export async function answerCall(
  call: EngineCall,
  response: ServerResponse,
  options: AnswerOptions,
): Promise<void> {
  const { engine, project } = options;
  const { kind, method, version, query } = call;
  switch (kind) {
    case "ping": {
      const answer = await engine.open(method, "/_ping");
      for (const name of PING_HEADERS) {
        const value = answer.headers[name];
        if (value !== undefined) response.setHeader(name, value);
      }
      answer.destroy();
      response.setHeader("content-type", "text/plain; charset=utf-8");
      response.end("OK");
      return;
    }
    case "version":
      return sendJson(response, await engine.read(EngineVersion, `${version}/version`));
    case "info":
      return sendJson(response, await engine.read(EngineInfo, `${version}/info`));
    case "list": {
      const listed = await engine.read(z.array(ListedContainer), `${version}/containers/json${query}`);
      return sendJson(response, showList(listed, project));
    }
    case "inspect":
      return sendJson(response, showInspected(await findContainer(call, options)));
    case "events": {
      const answer = await openFor(response, engine, `${version}/events${query}`);
      response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
      return pipeline(
        answer,
        createEventLines((line) => showEvent(line, project)),
        response,
      );
    }
    case "logs":
    case "stats": {
      // The full id of the container that was looked at, so that no other can take its name meanwhile.
      const { Id } = await findContainer(call, options);
      const answer = await openFor(response, engine, `${version}/containers/${Id}/${kind}${query}`);
      const type = answer.headers["content-type"];
      response.writeHead(200, type === undefined ? {} : { "content-type": type }).flushHeaders();
      return pipeline(answer, response);
    }
  }
}

async function findContainer(
  { version, container }: EngineCall,
  { engine, project }: AnswerOptions,
): Promise<InspectedContainer> {
  const found = await engine.read(InspectedContainer, `${version}/containers/${container}/json`);
  // A name can be hexadecimal too: an id that does not begin as asked is another container's.
  if (found.Id.startsWith(container) && isOfProject(found.Config.Labels, project)) return found;
  throw ProblemError.of("not_found", {
    service: "docker-api-filter",
    detail: "the project has no such container",
  });
}

/** Opens a stream, unless the caller has gone away while the engine was asked. */
async function openFor(
  response: ServerResponse,
  engine: Pick<Engine, "open">,
  path: string,
): Promise<IncomingMessage> {
  const answer = await engine.open("GET", path);
  if (response.destroyed) answer.destroy();
  return answer;
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}
