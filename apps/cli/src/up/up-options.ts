import type { CommonOptions } from "../cli.ts";

export interface UpOptions extends CommonOptions {
  readonly once?: true;
  readonly corpus?: string;
  readonly seed?: string;
  readonly workers: number;
  /** `apart`: so many workers for each lane. */
  readonly lanes: "together" | "apart";
  readonly producers: number;
  /** No sample consumer: events stay in the queue. */
  readonly keepEvents?: true;
  /** False for `--no-console`. */
  readonly console?: boolean;
}
