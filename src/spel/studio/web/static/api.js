// What the page asks the server. Arrays come packed: length, JSON header, bytes.

export class Problem extends Error {
  constructor(status, message, told) {
    super(message);
    this.status = status;
    this.told = told;
  }
}

async function answered(response) {
  if (response.ok) return response;
  let told = null,
    text = `${response.status}`;
  try {
    text = await response.text();
    told = JSON.parse(text);
    text = told.error ?? text;
  } catch {
    /* plain text */
  }
  throw new Problem(response.status, text, told);
}

const query = (given) =>
  new URLSearchParams(
    Object.entries(given).filter(([, v]) => v !== undefined && v !== null),
  ).toString();

export async function get(path, given = {}) {
  return (await answered(await fetch(`/api/${path}?${query(given)}`))).json();
}

export async function post(path, body, keepalive = false) {
  const response = await fetch(`/api/${path}`, {
    keepalive,
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answered(response)).json();
}

export async function put(path, given, data) {
  const response = await fetch(`/api/${path}?${query(given)}`, {
    method: "PUT",
    headers: { "Content-Type": "application/octet-stream" },
    body: data,
  });
  return (await answered(response)).json();
}

const TYPES = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint8: Uint8Array,
};

export async function getPacked(path, given = {}) {
  const asked = query(given);
  const response = await answered(await fetch(`/api/${path}${asked ? `?${asked}` : ""}`));
  const buffer = await response.arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const arrays = header.arrays.map(({ shape, dtype }) => {
    const Type = TYPES[dtype],
      count = shape.reduce((a, b) => a * b, 1);
    const data = new Type(buffer, at, count);
    at += Math.ceil((count * Type.BYTES_PER_ELEMENT) / 8) * 8;
    return { shape, data };
  });
  return { ...header, arrays };
}

export async function download(path, given) {
  const response = await answered(await fetch(`/api/${path}?${query(given)}`));
  const named = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = named ? named[1] : "download";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 5000);
}
