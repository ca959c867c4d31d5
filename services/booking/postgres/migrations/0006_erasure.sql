-- +goose Up
-- Finds a merchant's bookings when their account is deleted.
CREATE INDEX bookings_of_merchant ON bookings (merchant);

-- +goose Down
DROP INDEX bookings_of_merchant;
