import { ContainerEvent } from "./engine-answers.ts";
import { isOfProject, selectLabels } from "./project-labels.ts";

/** Attributes beside the labels; the engine mixes both in one map. */
const SHOWN_ATTRIBUTES = ["name", "oldName", "image", "exitCode"];
/** `exec_create: <command line>` and its like carry arguments; of these only the health status is needed. */
const PLAIN_ACTION = /^(?:[a-z_]{1,32}|health_status: (?:healthy|unhealthy|starting))$/;

/** One line of the engine's event stream as a viewer may see it; undefined if it is not theirs to see. */
export function showEvent(line: string, project: string): string | undefined {
  const parsed = ContainerEvent.safeParse(readJson(line));
  if (!parsed.success) return undefined;
  const { Action, Actor, ...rest } = parsed.data;
  if (!PLAIN_ACTION.test(Action) || !isOfProject(Actor.Attributes, project)) return undefined;
  const shown = Object.fromEntries(
    SHOWN_ATTRIBUTES.flatMap((name) => {
      const value = Actor.Attributes[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const attributes = { ...shown, ...selectLabels(Actor.Attributes) };
  // `id`, `status` and `from` are what clients of API versions before 1.44 read.
  return JSON.stringify({
    id: Actor.ID,
    status: Action,
    from: shown["image"],
    ...rest,
    Action,
    Actor: { ID: Actor.ID, Attributes: attributes },
  });
}

function readJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Not an event, so there is nothing to show; the caller drops the line.
    return undefined;
  }
}
