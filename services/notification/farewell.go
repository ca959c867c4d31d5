package notification

import (
	"bytes"
	"context"
	"fmt"
)

// Farewell writes the last mail to somebody whose account is being deleted. It is not about a
// message: those are gone by then.
func (c *Composer) Farewell(to Recipient) (Mail, error) {
	locale := c.locale(to.Locale)
	texts := c.texts[locale]
	subject, body, footer := texts["account_deleted.subject"], texts["account_deleted.body"], texts["account_deleted.footer"]
	if subject == "" || body == "" || footer == "" {
		return Mail{}, fmt.Errorf("no farewell in %s", locale)
	}
	var html bytes.Buffer
	err := c.layout.Execute(&html, map[string]any{
		"Locale": locale, "Direction": direction(locale), "Greeting": fmt.Sprintf(texts["greeting"], to.Name), "Body": body, "Footer": footer,
	})
	if err != nil {
		return Mail{}, fmt.Errorf("mail: %w", err)
	}
	return Mail{To: to.Email, Subject: subject, HTML: html.String()}, nil
}

// Farewells sends them. Nothing of them is stored.
type Farewells struct {
	Composer *Composer
	Postman  Postman
}

// Send sends one, and returns when the mail server has it.
func (f Farewells) Send(ctx context.Context, to Recipient) error {
	mail, err := f.Composer.Farewell(to)
	if err != nil {
		return err
	}
	return f.Postman.Send(ctx, mail)
}
