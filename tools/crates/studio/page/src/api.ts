// Requests to the server of this page, and to no other.

/** What the server says is wrong: a sentence with the way out, and a short code. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly reason: string,
    readonly status: number,
  ) {
    super(message);
  }
}

type Query = Record<string, string | number | boolean | undefined>;

/** The address of a route; values that are undefined or false are left out. */
export function address(path: string, query: Query = {}): string {
  const parts = Object.entries(query).filter(([, v]) => v !== undefined && v !== false);
  const text = parts.map(([k, v]) => `${encodeURIComponent(k)}=${encodeURIComponent(String(v))}`).join("&");
  return `/api/${path}${text ? `?${text}` : ""}`;
}

/** The address of something of a run. */
export function ofRun(run: string, rest = "", query: Query = {}): string {
  return address(`runs/${encodeURIComponent(run)}${rest ? `/${rest}` : ""}`, query);
}

async function send(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...init });
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError("", "no-server", 0);
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new ApiError(body.error ?? `${response.status} ${response.statusText}`, body.reason ?? "", response.status);
}

export async function get<T>(url: string, signal?: AbortSignal): Promise<T> {
  return (await send(url, { signal })).json();
}

export async function bytes(url: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  return (await send(url, { signal })).arrayBuffer();
}

export async function post<T>(url: string, body: unknown = {}): Promise<T> {
  const response = await send(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return response.json();
}

export async function put<T>(url: string, body: BodyInit): Promise<T> {
  return (await send(url, { method: "PUT", body })).json();
}

export async function remove<T>(url: string): Promise<T> {
  return (await send(url, { method: "DELETE" })).json();
}
