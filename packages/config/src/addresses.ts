import { canonicalAddress } from "@mailfleet/core";

const maxAddressBytes = 254;

/** Why a text is no mailbox address, as a noun phrase (`a space in the address`), or undefined when it may be one (T40). */
export function addressProblem(address: string): string | undefined {
  const text = canonicalAddress(address);
  if (text === "") return "no address";
  if (/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(text)) return "a control character in the address";
  if (/\s/.test(text)) return "a space in the address";
  const parts = text.split("@");
  if (parts.length === 1) return "no @ in the address";
  if (parts.length > 2) return "more than one @ in the address";
  if (parts[0] === "" || parts[1] === "") return `nothing ${parts[0] === "" ? "before" : "after"} the @`;
  if (/["(),:;<>[\]\\]/.test(text)) return "a character that no mailbox address has";
  if (Buffer.byteLength(text) > maxAddressBytes) return `longer than ${maxAddressBytes} bytes`;
  return undefined;
}

/** An address as it may be quoted in a message: escaped, and not at all when it is no address but perhaps a secret. */
export function showAddress(address: string): string {
  const isLike = address.includes("@") && !address.includes("://") && address.length <= 320;
  if (!isLike && !(address.length <= 24 && !address.includes("~"))) return "(not shown)";
  return JSON.stringify(address).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}
