/** Marks of a logarithmic axis between two exponents: 1, 2 and 5 of each decade, or fewer where there are many. */
export function logMarks(low: number, high: number): number[] {
  const decades = high - low;
  const digits = decades > 3 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  const step = Math.max(1, Math.ceil(decades / 8));
  const marks: number[] = [];
  for (let power = Math.floor(low); power <= high; power += step) {
    for (const digit of digits) {
      const at = power + Math.log10(digit);
      if (at >= low && at <= high) marks.push(at);
    }
  }
  return marks;
}
