import type { IndexPart } from "./index-format.ts";

/** Takes the bytes of one pack while it is written, and makes them last. Errors are the system's or a SyncError. */
export interface PackTarget {
  /** Bytes that are not to stay in memory; later writes may lie over earlier ones. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** What was written; bytes read, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Cuts what was written to this many bytes. */
  truncate(size: number): Promise<void>;
  /**
   * Resolves when the pack is on stable storage under its name, and what was noted can be found.
   * @param rest what was never written, and ends the pack
   */
  seal(rest: readonly Uint8Array[], position: number, index: readonly IndexPart[]): Promise<void>;
  /** Nothing is left of the pack, sealed or not. Never throws. */
  remove(): Promise<void>;
}
