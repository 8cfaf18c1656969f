/** What documentation and templates put where a secret belongs. */
const STAND_INS = [
  "example",
  "sample",
  "placeholder",
  "changeme",
  "change_me",
  "change-me",
  "your_",
  "your-",
  "yourpassword",
  "yoursecret",
  "dummy",
  "redacted",
  "insert_",
  "replace_",
  "xxxx",
  "****",
  "....",
  "undefined",
];

/** The start of an expression that only names a secret: a variable, a template, a call. */
const REFERENCE =
  /^(?:\$|\{\{|<|%\(|%[A-Z]|process\.|os\.|env\.|config\.|settings\.|self\.|this\.|secrets?\.)/;

/** Whether a value is a stand-in or a reference rather than a secret. */
export function isPlaceholder(value: string): boolean {
  const lower = value.toLowerCase();
  return REFERENCE.test(value) || STAND_INS.some((standIn) => lower.includes(standIn));
}
