import { Random, hashNumbers } from "./random.ts";
import type { Shape } from "./message-templates.ts";
import { firstNonLatin, languages } from "./phrases.ts";

/** What a message will be, decided from its hash without making it. */
export interface MessagePlan {
  readonly shape: Shape;
  readonly language: number;
  /** Wanted length of the whole message in bytes; the made one differs by some percent. */
  readonly bytes: number;
}

/**
 * Length by share of messages: half below 4.8 kB, a tenth above 40 kB, one in 1,500 between 1 and 2.6 MB, 12 kB on average.
 * A business mailbox's tail is heavier; this one keeps the default world near 150 MB.
 */
const lengths: readonly (readonly [share: number, bytes: number])[] = [
  [0, 1_400],
  [0.5, 4_800],
  [0.75, 8_000],
  [0.88, 18_000],
  [0.9, 40_000],
  [0.97, 62_000],
  [0.9993, 82_000],
  [0.99931, 1_000_000],
  [1, 2_600_000],
];

/** Up to here a length is text; what is above it, in a world with a mean of its own, are attachments of other sizes. */
const textBytes = 8_000;
/** Below this nothing would be left to attach. */
export const leastMeanBytes = 6_000;

/** How much longer than in the default world attachments are, so that messages are `meanBytes` long on average. */
export function stretchFor(meanBytes: number): number {
  const texts = meanOf((bytes) => Math.min(bytes, textBytes));
  return (meanBytes - texts) / meanOf((bytes) => Math.max(0, bytes - textBytes));
}

/** @param stretch of {@link stretchFor}; 1 in the default world */
export function planMessage(hash: number, stretch = 1): MessagePlan {
  const random = new Random(hash);
  const length = lengthAt(random.fraction());
  const bytes = length <= textBytes ? length : textBytes + Math.round((length - textBytes) * stretch);
  const language = pickLanguage(random);
  return { shape: pickShape(random, bytes, language), language, bytes };
}

/**
 * The size a server like Exchange announces: an estimate made from its own store, off by a few percent and now and then by a factor of three.
 * Field guide 3.5: never to be compared with the literal.
 */
export function estimateSize(hash: number, bytes: number): number {
  const noise = hashNumbers(hash, 0x517e);
  if (noise % 97 === 0) return bytes * 3 + 511;
  return Math.max(1, Math.round(bytes * (0.95 + (noise % 1000) / 5000)) + (noise % 7));
}

/** Over all shares, in steps that are fine enough for the tail. */
function meanOf(part: (bytes: number) => number): number {
  const steps = 100_000;
  let sum = 0;
  for (let step = 0; step < steps; step++) sum += part(lengthAt((step + 0.5) / steps));
  return sum / steps;
}

function lengthAt(share: number): number {
  for (let i = 1; i < lengths.length; i++) {
    const [end, high] = lengths[i] as readonly [number, number];
    const [start, low] = lengths[i - 1] as readonly [number, number];
    if (share < end) return Math.round(low + ((high - low) * (share - start)) / (end - start));
  }
  return 5_000;
}

function pickLanguage(random: Random): number {
  return random.below(10) < 6 ? 0 : random.below(languages.length);
}

function pickShape(random: Random, bytes: number, language: number): Shape {
  const roll = random.below(100);
  if (bytes > 100_000) return roll < 80 ? "attachment" : "two-attachments";
  if (bytes > 18_000 && roll < 75) return roll < 45 ? "attachment" : roll < 60 ? "two-attachments" : "inline-image";
  if (language >= firstNonLatin) return roll < 50 ? "plain-base64" : "alternative-base64";
  if (bytes > 3_500 && roll < 4) return "invite";
  if (bytes > 3_500 && roll < 7) return "forwarded";
  if (language === 0 && roll < 25) return "plain-ascii";
  if (roll < 45) return "plain";
  return roll < 55 ? "html" : "alternative";
}
