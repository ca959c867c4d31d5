package sim

import "cmp"

func (c *call) createMethod() (object, *refusal) {
	if err := c.only("type", "card", "billing_details", "metadata", "key", "customer"); err != nil {
		return nil, err
	}
	m, err := c.describedMethod("", "")
	if err != nil {
		return nil, err
	}
	if m.Metadata, err = c.metadata(nil); err != nil {
		return nil, err
	}
	return c.method(c.newMethod(m)), nil
}

func (c *call) attachMethod() (object, *refusal) {
	if err := c.only("customer"); err != nil {
		return nil, err
	}
	m := c.state.Methods[c.id]
	if number, ok := tokens[c.id]; ok {
		m = c.newMethod(&Method{Number: number, Month: 12, Year: int64(c.cfg.Now().Year()) + 2})
	}
	if m == nil {
		return nil, noSuch("PaymentMethod", "id", c.id)
	}
	cus := c.state.Customers[c.str("customer")]
	if cus == nil || cus.Deleted {
		return nil, noSuch("customer", "customer", c.str("customer"))
	}
	m.Customer = cus.ID
	c.put(m)
	c.announce("payment_method.attached", c.method(m))
	return c.method(m), nil
}

func (c *call) detachMethod() (object, *refusal) {
	m := c.state.Methods[c.id]
	if m == nil {
		return nil, noSuch("PaymentMethod", "id", c.id)
	}
	m.Customer = ""
	c.put(m)
	c.announce("payment_method.detached", c.method(m))
	return c.method(m), nil
}

func (c *call) createCustomer() (object, *refusal) {
	cus := &Customer{head: c.head(), ID: newID("cus")}
	if err := c.fillCustomer(cus); err != nil {
		return nil, err
	}
	c.state.add(cus)
	c.announce("customer.created", c.customer(cus))
	return c.customer(cus), nil
}

func (c *call) updateCustomer() (object, *refusal) {
	cus := c.state.Customers[c.id]
	if cus == nil || cus.Deleted {
		return nil, noSuch("customer", "id", c.id)
	}
	if err := c.fillCustomer(cus); err != nil {
		return nil, err
	}
	c.announce("customer.updated", c.customer(cus))
	return c.customer(cus), nil
}

func (c *call) fillCustomer(cus *Customer) *refusal {
	if err := c.only("name", "email", "phone", "description", "metadata", "payment_method", "invoice_settings", "address", "shipping", "preferred_locales"); err != nil {
		return err
	}
	metadata, err := c.metadata(cus.Metadata)
	if err != nil {
		return err
	}
	cus.Metadata = metadata
	for name, field := range map[string]*string{"name": &cus.Name, "email": &cus.Email, "phone": &cus.Phone, "description": &cus.Description} {
		if c.Has(name) {
			*field = c.str(name)
		}
	}
	c.put(cus)
	return nil
}

func (c *call) deleteCustomer() (object, *refusal) {
	cus := c.state.Customers[c.id]
	if cus == nil || cus.Deleted {
		return nil, noSuch("customer", "id", c.id)
	}
	*cus = Customer{head: cus.head, ID: cus.ID, Deleted: true}
	c.put(cus)
	c.announce("customer.deleted", c.customer(cus))
	return c.customer(cus), nil
}

func (c *call) getBalance() (object, *refusal) {
	now := c.cfg.Now().Unix()
	available, waiting := map[string]int64{}, map[string]int64{}
	for _, m := range c.state.Transactions {
		into := waiting
		if m.Created+2*24*60*60 <= now {
			into = available
		}
		into[m.Currency] += m.Amount - m.Fee
	}
	list := func(sums map[string]int64) []object {
		all := []object{}
		for currency, amount := range sums {
			all = append(all, object{"amount": amount, "currency": currency, "source_types": object{"card": amount}})
		}
		if len(all) == 0 {
			all = append(all, object{"amount": 0, "currency": "eur", "source_types": object{"card": 0}})
		}
		return all
	}
	return object{"object": "balance", "available": list(available), "pending": list(waiting), "connect_reserved": list(nil), "livemode": false}, nil
}

func (c *call) getAccount() (object, *refusal) {
	return object{
		"id": account, "object": "account", "charges_enabled": true, "payouts_enabled": true, "details_submitted": true, "country": "DE",
		"default_currency": "eur", "email": nil, "type": "standard", "created": c.start.Unix(),
	}, nil
}

// get answers GET /v1/{kind}/{id}.
func get(kind, name string) operation {
	return func(c *call) (object, *refusal) {
		if err := c.only("client_secret", "key"); err != nil {
			return nil, err
		}
		r := c.get(kind, c.id)
		if r == nil {
			return nil, noSuch(name, "id", c.id)
		}
		return c.show(r), nil
	}
}

// filter keeps the objects of a list that a parameter asks for.
type filter func(r record, value string) bool

// list answers GET /v1/{kind}: newest first, a page at a time (https://docs.stripe.com/api/pagination).
func list(kind, path string, filters map[string]filter) operation {
	return func(c *call) (object, *refusal) {
		names := []string{"limit", "starting_after", "ending_before", "created"}
		for name := range filters {
			names = append(names, name)
		}
		if err := c.only(names...); err != nil {
			return nil, err
		}
		limit, err := c.num("limit", 10)
		if err != nil {
			return nil, err
		}
		if limit < 1 || limit > 100 {
			return nil, malformed("parameter_invalid_integer", "limit", "Invalid limit: must be between 1 and 100")
		}
		within, err := c.created()
		if err != nil {
			return nil, err
		}
		after, before, err := c.cursors(kind)
		if err != nil {
			return nil, err
		}
		matches := func(r record) bool {
			if !within(createdOf(r)) || after != nil && r.number() >= after.number() || before != nil && r.number() <= before.number() {
				return false
			}
			for name, keep := range filters {
				values := c.list(name)
				if v := c.str(name); v != "" {
					values = append(values, v)
				}
				if len(values) == 0 {
					continue
				}
				kept := false
				for _, v := range values {
					kept = kept || keep(r, v)
				}
				if !kept {
					return false
				}
			}
			return true
		}
		page, more := pick(c.state.order[kind], int(limit), before != nil, matches)
		data := make([]object, 0, len(page))
		for _, r := range page {
			data = append(data, c.show(r))
		}
		return object{"object": "list", "data": data, "has_more": more, "url": cmp.Or(path, "/v1/"+kind)}, nil
	}
}

// pick takes up to limit matching records, newest first; upwards takes those nearest to the
// older end, as ending_before does.
func pick(all []record, limit int, upwards bool, matches func(record) bool) (page []record, more bool) {
	for i := range all {
		r := all[len(all)-1-i]
		if upwards {
			r = all[i]
		}
		if !matches(r) {
			continue
		}
		if len(page) == limit {
			more = true
			break
		}
		page = append(page, r)
	}
	if upwards {
		for i, j := 0, len(page)-1; i < j; i, j = i+1, j-1 {
			page[i], page[j] = page[j], page[i]
		}
	}
	return page, more
}

func (c *call) cursors(kind string) (after, before record, err *refusal) {
	for name, at := range map[string]*record{"starting_after": &after, "ending_before": &before} {
		if id := c.str(name); id != "" {
			if *at = c.get(kind, id); *at == nil {
				return nil, nil, noSuch(kind, name, id)
			}
		}
	}
	if after != nil && before != nil {
		return nil, nil, malformed("", "", "Received both starting_after and ending_before: only one may be given")
	}
	return after, before, nil
}

// created reads created=N and created[gt|gte|lt|lte]=N.
func (c *call) created() (func(int64) bool, *refusal) {
	type bound struct {
		name  string
		holds func(v, limit int64) bool
	}
	bounds := []bound{
		{"created", func(v, n int64) bool { return v == n }}, {"created[gt]", func(v, n int64) bool { return v > n }},
		{"created[gte]", func(v, n int64) bool { return v >= n }}, {"created[lt]", func(v, n int64) bool { return v < n }},
		{"created[lte]", func(v, n int64) bool { return v <= n }},
	}
	limits := map[int]int64{}
	for i, b := range bounds {
		if c.str(b.name) == "" {
			continue
		}
		n, err := c.num(b.name, 0)
		if err != nil {
			return nil, err
		}
		limits[i] = n
	}
	return func(v int64) bool {
		for i, n := range limits {
			if !bounds[i].holds(v, n) {
				return false
			}
		}
		return true
	}, nil
}

func createdOf(r record) int64 {
	switch r := r.(type) {
	case *Intent:
		return r.Created
	case *Charge:
		return r.Created
	case *Refund:
		return r.Created
	case *Transaction:
		return r.Created
	case *Dispute:
		return r.Created
	case *Customer:
		return r.Created
	case *Method:
		return r.Created
	case *Event:
		return r.Created
	}
	return 0
}
