export { readVisibleText, type TextPart, toVisibleString } from "./visible-text.ts";
