import pytest
import torch

from choi_d2.modeling.interaction.weight_parts import meet_parts


def make(*counts):
    weight = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    return weight, [torch.randn(n, 2, dtype=torch.float64, requires_grad=True) for n in counts]


def test_products_are_those_of_the_parts():
    weight, factors = make(3, 5, 0)
    found = meet_parts(weight, *factors)
    assert [len(x) for x in found] == [3, 5, 0]
    for i, product in enumerate(found):
        torch.testing.assert_close(product, factors[i] @ weight[:, 2 * i : 2 * i + 2].t())


def test_gradients():
    weight, factors = make(3, 5, 1)
    assert torch.autograd.gradcheck(meet_parts, (weight, *factors))


def test_gradient_where_some_parts_met_nothing():
    weight, factors = make(0, 2, 0)
    sum(x.square().sum() for x in meet_parts(weight, *factors)).backward()
    assert (weight.grad[:, :2] == 0).all() and (weight.grad[:, 4:] == 0).all()
    assert (weight.grad[:, 2:4] != 0).any()


def test_only_what_is_asked_for_gets_a_gradient():
    weight, factors = make(3, 5, 2)
    factors[1] = factors[1].detach()
    found = torch.autograd.grad(sum(x.sum() for x in meet_parts(weight, *factors)), factors[0])
    torch.testing.assert_close(found[0], weight[:, :2].sum(dim=0).expand(3, 2))


@pytest.mark.parametrize("enabled", [True, False])
def test_autocast(enabled):
    weight, factors = make(3, 5, 2)
    weight = weight.detach().float().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
        products = meet_parts(weight, *(x.detach().float() for x in factors))
        assert products[0].dtype == (torch.bfloat16 if enabled else torch.float32)
    sum(x.sum() for x in products).backward()
    expected = torch.cat([x.sum(dim=0) for x in factors]).expand(4, 6).float()
    torch.testing.assert_close(weight.grad, expected, rtol=0.05, atol=0.05)
