package devstack

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// realmKeys name the objects of a list in a realm file: what the overlay says about one of them goes
// into that one.
var realmKeys = []string{"clientId", "alias", "name", "username"}

// MergeRealm merges an overlay into a realm file. Objects are merged; in lists of named objects, those with
// the same name are merged and others added; everything else is replaced.
func MergeRealm(base, overlay []byte) ([]byte, error) {
	var under, over map[string]any
	for raw, v := range map[*[]byte]*map[string]any{&base: &under, &overlay: &over} {
		if err := json.Unmarshal(*raw, v); err != nil {
			return nil, fmt.Errorf("realm file: %w", err)
		}
	}
	return json.MarshalIndent(merge(under, over), "", "  ")
}

func merge(under, over any) any {
	switch over := over.(type) {
	case map[string]any:
		under, ok := under.(map[string]any)
		if !ok {
			return over
		}
		for key, value := range over {
			under[key] = merge(under[key], value)
		}
		return under
	case []any:
		under, ok := under.([]any)
		if !ok || !named(over) || !named(under) {
			return over
		}
		for _, item := range over {
			under = mergeNamed(under, item)
		}
		return under
	}
	return over
}

func mergeNamed(under []any, item any) []any {
	for i, have := range under {
		if key, name := nameOf(have); key != "" {
			if k, n := nameOf(item); k == key && n == name {
				under[i] = merge(have, item)
				return under
			}
		}
	}
	return append(under, item)
}

func named(list []any) bool {
	for _, item := range list {
		if key, _ := nameOf(item); key == "" {
			return false
		}
	}
	return true
}

func nameOf(item any) (key, name string) {
	object, _ := item.(map[string]any)
	for _, key := range realmKeys {
		if name, ok := object[key].(string); ok {
			return key, name
		}
	}
	return "", ""
}

// writeRealm puts what Keycloak imports at its first start where it looks: the realm with what only
// a local stack has laid over it, and the local users.
func writeRealm(root, home string) error {
	dir := filepath.Join(home, "data", "import")
	if err := os.RemoveAll(dir); err != nil { // it was a link once
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	base, err := os.ReadFile(filepath.Join(root, "keycloak", "realm", "foyer-realm.json"))
	if err != nil {
		return err
	}
	overlay, err := os.ReadFile(filepath.Join(root, "keycloak", "local", "foyer-realm.json"))
	if err != nil {
		return err
	}
	realm, err := MergeRealm(base, overlay)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "foyer-realm.json"), realm, 0o600); err != nil {
		return err
	}
	if err := os.Symlink(filepath.Join(root, "keycloak", "realm", "master-realm.json"), filepath.Join(dir, "master-realm.json")); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(root, "keycloak", "local", "foyer-users-0.json"), filepath.Join(dir, "foyer-users-0.json"))
}
