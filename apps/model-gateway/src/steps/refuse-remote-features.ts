import type { JsonValue } from "@claws/contracts";
import { isJsonObject, type JsonObject, readObjects } from "../json-object.ts";
import { refuse } from "./refuse.ts";

/** Members by which a provider is told to reach out, run code or change the price, in either dialect. */
const REFUSED_MEMBERS = ["mcp_servers", "web_search_options", "container", "service_tier", "plugins"];

/** Tools that the agent's own program runs. Every other type runs at the provider. */
const LOCAL_TOOL_TYPES = ["function", "custom"];

const MAX_DEPTH = 64;

/**
 * A provider can fetch pages, run code and call MCP servers by itself: a way out that no egress rule sees.
 * Only what the agent's own program does, and content that is in the request itself, is passed on.
 */
export function refuseRemoteFeatures(body: JsonObject): void {
  const member = REFUSED_MEMBERS.find((name) => body[name] !== undefined && body[name] !== null);
  if (member !== undefined) throw notPassedOn(member);
  for (const { type } of readObjects(body["tools"])) {
    if (type !== undefined && !LOCAL_TOOL_TYPES.some((local) => local === type))
      throw notPassedOn(`tools of type ${JSON.stringify(type)}`);
  }
  for (const message of readObjects(body["messages"])) refuseRemoteContent(message["content"] ?? null, 0);
  refuseRemoteContent(body["system"] ?? null, 0);
}

/** Content blocks that name a place to fetch from, or a file that lies at the provider. */
function refuseRemoteContent(content: JsonValue, depth: number): void {
  if (depth > MAX_DEPTH) throw refuse("request_invalid", `content is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(content)) {
    for (const block of content) refuseRemoteContent(block, depth + 1);
    return;
  }
  if (!isJsonObject(content)) return;
  const { image_url: image, source, file, content: inner } = content;
  const imageUrl = isJsonObject(image ?? null) ? (image as JsonObject)["url"] : image;
  if (imageUrl !== undefined && !(typeof imageUrl === "string" && imageUrl.startsWith("data:")))
    throw notPassedOn("images by URL");
  if (isJsonObject(source ?? null)) {
    const { type } = source as JsonObject;
    if (type === "url" || type === "file") throw notPassedOn(`sources of type ${JSON.stringify(type)}`);
    refuseRemoteContent((source as JsonObject)["content"] ?? null, depth + 1);
  }
  if (isJsonObject(file ?? null) && (file as JsonObject)["file_data"] === undefined)
    throw notPassedOn("files at the provider");
  refuseRemoteContent(inner ?? null, depth + 1);
}

function notPassedOn(feature: string) {
  return refuse(
    "model_feature_not_allowed",
    `${feature}: the provider would act on its own, past the egress rules; send the content itself, or use a tool of the broker`,
  );
}
