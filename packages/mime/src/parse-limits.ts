export interface ParseLimits {
  readonly parts: number;
  readonly depth: number;
  readonly headerBytes: number;
  readonly headerFields: number;
  readonly addresses: number;
  /** Raw bytes of all text and HTML parts; what is longer is cut. */
  readonly textBytes: number;
}
