export function Stat({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt className="small muted">{label}</dt>
      <dd className="tabular">{value}</dd>
    </div>
  )
}
