import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { minorDigitsByCurrency } from './currencies.gen'
import { fromDecimal, minorDigits, money, toDecimal } from './format'

describe('money', () => {
  it('has the digits that the services have', () => {
    const rows = readFileSync('../internal/money/iso4217.tsv', 'utf8')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => line.split('\t'))
    expect(rows.length).toBeGreaterThan(150)
    for (const [code, , digits] of rows) expect([code, minorDigits(code!)]).toEqual([code, Number(digits)])
    const known = new Set(rows.map(([code]) => code))
    expect(Object.keys(minorDigitsByCurrency).filter((code) => !known.has(code))).toEqual([])
  })
  it.each([
    [1_200_000, 'HUF', '12,000'],
    [150_000, 'RSD', '1,500'],
    [5_000_000, 'COP', '50,000'],
    [15_000_000, 'IDR', '150,000'],
    [12_500, 'KWD', '12.500'],
    [12_900, 'ISK', '12,900'],
    [4_500, 'JPY', '4,500'],
    [4_550, 'EUR', '45.50'],
    [1_200_050, 'HUF', '12,000.50'],
  ])('shows %d %s as %s', (amount, currency, text) => {
    expect(money({ amount, currency }).replace(/[^\d.,]/g, '')).toBe(text)
  })
  it.each([
    ['12000', 'HUF', 1_200_000],
    ['12000', 'ISK', 12_000],
    ['45.5', 'EUR', 4_550],
    ['45,50', 'EUR', 4_550],
    ['45.', 'EUR', 4_500],
    ['1.15', 'EUR', 115],
    ['12.5', 'KWD', 12_500],
    ['12.500', 'JPY', undefined],
    ['1.005', 'EUR', undefined],
    ['-1', 'EUR', undefined],
    ['1e3', 'EUR', undefined],
    ['', 'EUR', undefined],
  ])('reads %s %s as %s', (text, currency, amount) => {
    expect(fromDecimal(text, currency)).toBe(amount)
    if (amount !== undefined) expect(fromDecimal(toDecimal(amount, currency), currency)).toBe(amount)
  })
})
