// core has `types: []`, so that no I/O of Node or a browser can be named there. These few globals exist in both and do none.
interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
}
declare class TextEncoder {
  encode(text: string): Uint8Array;
  encodeInto(text: string, target: Uint8Array): { readonly read: number; readonly written: number };
}
declare class TextDecoder {
  constructor(label?: "utf-8", options?: { readonly ignoreBOM?: boolean; readonly fatal?: boolean });
  decode(bytes?: Uint8Array): string;
}
