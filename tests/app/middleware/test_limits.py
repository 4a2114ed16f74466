from app.middleware.limits import RouteLimits, limits


def test_an_endpoint_carries_what_is_declared_beside_it_and_stays_the_same_function() -> None:
    def endpoint() -> int:
        return 5

    declared = limits("five", max_bytes=10, slot="work")(endpoint)
    assert declared is endpoint
    assert declared.route_limits == RouteLimits("five", max_bytes=10, slot="work")
