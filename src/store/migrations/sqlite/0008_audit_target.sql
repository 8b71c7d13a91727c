-- Whose keys it was about, where that is not the user who did it: the member that an administrator has reset.
ALTER TABLE audit ADD COLUMN target_id TEXT;
