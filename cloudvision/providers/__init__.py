"""One module a service. Names are resolved by `cloudvision.provider`, so that an absent SDK costs nothing."""
