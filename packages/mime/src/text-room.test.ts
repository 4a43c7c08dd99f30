import { expect, test } from "vitest";
import { TextRoom } from "./text-room.ts";

test("what is kept stays until the room is cleared, and what does not fit lies elsewhere", () => {
  const room = new TextRoom(10);
  const keep = (text: string): Buffer => {
    const place = room.place(text.length + 2);
    expect(place.length).toBeGreaterThanOrEqual(text.length + 2);
    place.write(text);
    return room.keep(place, text.length);
  };
  const kept = [keep("abc"), keep("defg"), keep("hi"), keep("a long one")];
  room.place(2).write("zz");
  expect(kept.map(String)).toEqual(["abc", "defg", "hi", "a long one"]);

  room.clear();
  keep("xyz");
  expect(String(kept[0])).toBe("xyz");
  expect(String(kept[3])).toBe("a long one");
});
