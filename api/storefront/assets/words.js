// How codes and amounts are said to people.

const METALS = {
  gold_18k: "18k yellow gold",
  rose_gold_18k: "18k rose gold",
  white_gold_18k: "18k white gold",
  platinum_950: "Platinum 950",
  silver_925: "Sterling silver 925",
};

/** All metals the shop can be filtered by, as `[code, name]`. */
export const metals = Object.entries(METALS);

/** A metal's name; a code this page does not know yet is shown readably. */
export function metal(code) {
  return METALS[code] ?? code.replaceAll("_", " ");
}

const formats = new Map();

/** An amount in minor units as money; whole amounts without cents. */
export function money({ amount, currency }) {
  const digits = fractionDigits(currency);
  const whole = amount % 10 ** digits === 0;
  const key = `${currency}${whole}`;
  if (!formats.has(key)) {
    const fraction = whole ? 0 : digits;
    formats.set(
      key,
      new Intl.NumberFormat("en-SG", {
        style: "currency",
        currency,
        minimumFractionDigits: fraction,
        maximumFractionDigits: fraction,
      }),
    );
  }
  return formats.get(key).format(amount / 10 ** digits);
}

function fractionDigits(currency) {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
}

/** “1 piece”, “12 pieces”. */
export function pieces(count) {
  return count === 1 ? "1 piece" : `${count} pieces`;
}
