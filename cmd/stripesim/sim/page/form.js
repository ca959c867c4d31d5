// The card form. The page around it hears {type: "foyer-payment", status, …}:
//   ready | height {height} | processing | succeeded {intent} | failed {code, message, final}
// and may send {type: "foyer-payment", action: "submit"}.
import { fill, say } from "/page/texts.js";

const root = document.documentElement;
const query = new URLSearchParams(window.location.search);
const secret = query.get("client_secret") ?? "";
const intent = secret.split("_secret_")[0];
const parentOrigin = new URL(root.dataset.parent).origin;
const $ = (id) => document.getElementById(id);
const form = $("card");

fill();
if (query.get("button") === "0") $("pay").hidden = true;

function tell(message) {
  if (window.parent !== window) window.parent.postMessage({ type: "foyer-payment", ...message }, parentOrigin);
}

new ResizeObserver(() => tell({ status: "height", height: Math.ceil(document.body.getBoundingClientRect().height) })).observe(document.body);

window.addEventListener("message", (event) => {
  if (event.origin === parentOrigin && event.data?.type === "foyer-payment" && event.data.action === "submit") form.requestSubmit();
  if (event.origin === window.location.origin && event.data?.type === "challenge-over") challenged();
});

// ---- fields

const digits = (value) => value.replace(/[٠-٩]/g, (d) => String("٠١٢٣٤٥٦٧٨٩".indexOf(d))).replace(/\D/g, "");
const brands = [["visa", /^4/], ["mastercard", /^(5[1-5]|2[2-7])/], ["amex", /^3[47]/], ["discover", /^6(011|5)/], ["jcb", /^35/], ["diners", /^3[068]/], ["unionpay", /^62/]];
const brandOf = (number) => brands.find(([, start]) => start.test(number))?.[0] ?? "";

$("number").addEventListener("input", (event) => {
  const number = digits(event.target.value).slice(0, 19);
  const brand = brandOf(number);
  event.target.value = brand === "amex"
    ? [number.slice(0, 4), number.slice(4, 10), number.slice(10, 15)].filter(Boolean).join(" ")
    : number.replace(/(.{4})(?=.)/g, "$1 ");
  $("brand").textContent = brand;
  clear("number");
  if (number.length === 16 && luhn(number)) $("expiry").focus();
});
$("expiry").addEventListener("input", (event) => {
  let value = digits(event.target.value).slice(0, 4);
  if (/^[2-9]/.test(value)) value = "0" + value;
  const removing = event.inputType?.startsWith("delete");
  event.target.value = value.length > 2 || (value.length === 2 && !removing) ? `${value.slice(0, 2)} / ${value.slice(2)}` : value;
  clear("expiry");
  if (value.length === 4) $("cvc").focus();
});
$("cvc").addEventListener("input", (event) => { event.target.value = digits(event.target.value).slice(0, 4); clear("cvc"); });

function luhn(number) {
  let sum = 0;
  [...number].reverse().forEach((d, i) => { const n = Number(d) * (i % 2 ? 2 : 1); sum += n > 9 ? n - 9 : n; });
  return number.length >= 12 && sum % 10 === 0;
}

function mark(field, text) {
  $(field).setAttribute("aria-invalid", "true");
  $(`${field}-error`).textContent = text;
}
function clear(field) {
  $(field).removeAttribute("aria-invalid");
  $(`${field}-error`).textContent = "";
}

function read() {
  const number = digits($("number").value), expiry = digits($("expiry").value), cvc = digits($("cvc").value);
  const month = Number(expiry.slice(0, 2)), year = 2000 + Number(expiry.slice(2));
  const now = new Date();
  const wrong = [];
  if (!luhn(number)) wrong.push(["number", "incorrect_number"]);
  if (expiry.length < 4 || month < 1 || month > 12) wrong.push(["expiry", "invalid_expiry"]);
  else if (year * 12 + month < now.getFullYear() * 12 + now.getMonth() + 1) wrong.push(["expiry", "expired_card"]);
  if (cvc.length < 3) wrong.push(["cvc", "invalid_cvc"]);
  for (const [field, code] of wrong) mark(field, say(code));
  if (wrong.length > 0) { $(wrong[0][0]).focus(); return null; }
  return { number, month, year, cvc };
}

// ---- paying

async function call(path, body) {
  const params = new URLSearchParams({ ...body, client_secret: secret, key: root.dataset.key });
  const url = `/v1/payment_intents/${encodeURIComponent(intent)}${path}`;
  const response = body
    ? await fetch(url, { method: "POST", body: params, headers: { "Idempotency-Key": crypto.randomUUID() } })
    : await fetch(`${url}?${params}`);
  return response.json();
}

function busy(on) {
  $("pay").disabled = on;
  $("pay-text").textContent = on ? say("paying") : amount;
  form.setAttribute("aria-busy", String(on));
}

const fieldOf = { incorrect_number: "number", invalid_number: "number", expired_card: "expiry", invalid_expiry_month: "expiry", invalid_expiry_year: "expiry", incorrect_cvc: "cvc", invalid_cvc: "cvc" };
const wording = { invalid_expiry_month: "invalid_expiry", invalid_expiry_year: "invalid_expiry", incorrect_cvc: "invalid_cvc" };

function refuse(code, final) {
  const message = say(wording[code] ?? code) === code ? say("card_declined") : say(wording[code] ?? code);
  const field = fieldOf[code];
  if (field) { mark(field, message); $(field).focus(); }
  $("problem").textContent = message;
  $("problem").hidden = Boolean(field);
  tell({ status: "failed", code, message, final: Boolean(final) });
  busy(false);
  if (final) form.hidden = $("pay").disabled = true;
}

function settle(state) {
  switch (state.status) {
    case "requires_capture":
    case "succeeded":
      form.hidden = true;
      $("done").hidden = false;
      $("done").textContent = say("paid");
      return tell({ status: "succeeded", intent: state.id });
    case "requires_action": {
      const action = state.next_action;
      const url = new URL(action.use_stripe_sdk?.stripe_js ?? action.redirect_to_url.url);
      $("bank").src = `${url.pathname}?locale=${root.lang}&theme=${root.dataset.theme}`;
      document.body.style.minHeight = "360px";
      return $("challenge").showModal();
    }
    case "canceled":
      form.hidden = true;
      $("done").hidden = false;
      $("done").textContent = say("gone");
      return tell({ status: "failed", code: "gone", message: say("gone"), final: true });
    case "processing":
      return tell({ status: "processing" });
  }
  const error = state.last_payment_error;
  refuse(error?.decline_code === "insufficient_funds" ? "insufficient_funds" : error?.code ?? "card_declined");
}

$("challenge").addEventListener("cancel", (event) => event.preventDefault());

async function challenged() {
  $("challenge").close();
  $("bank").removeAttribute("src");
  document.body.style.minHeight = "";
  try { settle(await call("")); } catch { refuse("offline"); }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if ($("pay").disabled) return;
  const card = read();
  if (!card) return;
  $("problem").hidden = true;
  busy(true);
  tell({ status: "processing" });
  try {
    const answer = await call("/confirm", {
      "payment_method_data[type]": "card", "payment_method_data[card][number]": card.number,
      "payment_method_data[card][exp_month]": card.month, "payment_method_data[card][exp_year]": card.year, "payment_method_data[card][cvc]": card.cvc,
    });
    if (!answer.error) return settle(answer);
    const { code, decline_code: decline } = answer.error;
    if (code === "payment_intent_unexpected_state") return settle(await call(""));
    refuse(decline === "insufficient_funds" ? decline : code ?? "processing_error");
  } catch { refuse("offline"); }
});

// ---- start

let amount = say("pay");
try {
  const state = await call("");
  if (state.error) refuse("gone", true);
  else {
    const currency = state.currency.toUpperCase();
    const format = new Intl.NumberFormat(root.lang, { style: "currency", currency });
    amount = `${say("pay")} ${format.format(state.amount / 10 ** format.resolvedOptions().maximumFractionDigits)}`;
    if (state.status === "requires_payment_method" || state.status === "requires_confirmation") busy(false);
    else settle(state);
  }
} catch { refuse("offline"); }
tell({ status: "ready" });

for (const [name, number] of [["Visa", "4242424242424242"], ["declined", "4000000000000002"], ["no funds", "4000000000009995"], ["3-D Secure", "4000002760003184"]]) {
  const item = document.createElement("li"), button = document.createElement("button");
  button.type = "button";
  button.textContent = `${name} ${number.slice(-4)}`;
  button.addEventListener("click", () => {
    $("number").value = number; $("expiry").value = `12 / ${String(new Date().getFullYear() + 2).slice(2)}`; $("cvc").value = "123";
    $("number").dispatchEvent(new Event("input"));
    $("pay").focus();
  });
  item.append(button);
  $("samples").append(item);
}
