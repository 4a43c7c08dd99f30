/**
 * The response line of SASL XOAUTH2: base64 of user and token, without padding of its own and never wrapped. Undefined where one of them
 * holds a control character, which could begin a field of its own (the fields are parted by 0x01), or is empty.
 */
export function xoauth2(user: string, token: string): string | undefined {
  if (user === "" || /[\u0000-\u001f\u007f]/.test(user) || !/^[\x21-\x7e]+$/.test(token)) return undefined;
  return Buffer.from(`user=${user}\u0001auth=Bearer ${token}\u0001\u0001`, "utf8").toString("base64");
}
