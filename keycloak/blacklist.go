// Package keycloak embeds data that Keycloak and the services must agree on.
package keycloak

import _ "embed"

// CommonPasswords lists passwords that nobody may choose, one a line in lower case: the realm's policy
// passwordBlacklist(common.txt) and the accounts service refuse the same ones.
//
//go:embed password-blacklists/common.txt
var CommonPasswords string
