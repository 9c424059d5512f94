/**
 * True where only programs of this host can reach an address: `localhost`, 127.0.0.0/8 as four numbers, `::1` in any
 * spelling. A name that would have to be looked up is not, nor is a short form that programs read differently.
 */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (bare === 'localhost' || /^(0{1,4}:){7}0{0,3}1$|^::1$/.test(bare)) return true;
  const numbers = bare.split('.');
  return (
    numbers.length === 4 &&
    numbers[0] === '127' &&
    numbers.every((text) => /^\d{1,3}$/.test(text) && Number(text) < 256)
  );
}
