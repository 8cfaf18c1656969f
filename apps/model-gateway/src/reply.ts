/** What the agent gets: in one piece, or as it comes. Whoever takes the chunks must take them all or stop early, never neither: the call is settled behind the last. */
export type Reply =
  | {
      readonly kind: "whole";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | {
      readonly kind: "stream";
      readonly headers: Readonly<Record<string, string>>;
      readonly chunks: AsyncIterable<Uint8Array>;
    };
