// The control API.

export const BASE = "/_kms_mock/";

export async function control(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetch(BASE + path, options);
  const document = await response.json();
  if (!response.ok) throw new Error(document.error || response.statusText);
  return document;
}
