from choi_d2.visualization import palette


def test_people_differ_in_colour_and_colours_go_from_left_to_right():
    colors = palette.human_colors({7: 300.0, 3: 10.0, 5: 200.0})
    assert [colors[3], colors[5], colors[7]] == list(palette.HUMANS[:3])


def test_crowds_have_no_colour_twice_nor_the_objects_one():
    crowd = palette.human_colors({index: float(index) for index in range(25)})
    assert len(set(crowd.values())) == 25
    assert palette.OBJECT not in crowd.values()


def test_words_are_light_enough_for_the_dark_label():
    for color in palette.HUMANS:
        red, green, blue = palette.readable(tuple(channel // 2 for channel in color))
        assert 0.299 * red + 0.587 * green + 0.114 * blue > 110
