import { createElement } from "./create-element.ts";

/** A name and what it is, for a description list. */
export function createFact(name: string, description: HTMLElement): readonly HTMLElement[] {
  return [createElement("dt", { text: name }), description];
}
