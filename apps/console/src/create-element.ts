import { readVisibleText } from "@claws/visible-text";

interface ElementOptions {
  readonly className?: string;
  readonly text?: string;
}

/** One element with plain text. The only way text gets onto the page is `textContent`. */
export function createElement<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  { className, text }: ElementOptions = {},
  children: readonly Node[] = [],
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className !== undefined) element.className = className;
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

/** An element with text from outside: markers stand for what would be invisible. */
export function createVisibleText<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  text: string,
  className?: string,
): HTMLElementTagNameMap[Tag] {
  const nodes = readVisibleText(text).map((part) =>
    part.isMarker ? createElement("mark", { text: part.text }) : document.createTextNode(part.text),
  );
  return createElement(tag, className === undefined ? {} : { className }, nodes);
}

/** An element of the page by id; a page without it is not ours. */
export function findElement(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element #${id}`);
  return element;
}
