// The signature of version 1.0 (HMAC-SHA1), for servers that verify them. A browser offers this on localhost and HTTPS.

const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

export async function signed(parameters, secret) {
  if (!globalThis.crypto?.subtle) throw new Error("this browser signs only on localhost or through HTTPS");
  const nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const all = {
    ...parameters,
    SignatureMethod: "HMAC-SHA1",
    SignatureVersion: "1.0",
    SignatureNonce: nonce,
    Timestamp: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
  };
  const query = Object.keys(all).sort().map((name) => `${encode(name)}=${encode(all[name])}`).join("&");
  const bytes = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", bytes.encode(`${secret}&`), { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", key, bytes.encode(`POST&%2F&${encode(query)}`));
  return { ...all, Signature: btoa(String.fromCharCode(...new Uint8Array(mac))) };
}
